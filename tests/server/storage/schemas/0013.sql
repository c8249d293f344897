BEGIN TRANSACTION;
CREATE TABLE accounts (
	name VARCHAR(40) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	password VARCHAR(200), 
	technician_key BLOB, 
	made_at BIGINT NOT NULL, 
	last_sign_in BIGINT, 
	CONSTRAINT pk_accounts PRIMARY KEY (name)
);
INSERT INTO "accounts" VALUES('x','x','x',X'0101010101010101010101010101010101010101010101010101010101010101',1,1);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0013');
CREATE TABLE api_tokens (
	token_hash BLOB NOT NULL, 
	id VARCHAR(16) NOT NULL, 
	account VARCHAR(40) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	scopes VARCHAR(200) NOT NULL, 
	customers TEXT NOT NULL, 
	made_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	last_used_at BIGINT, 
	CONSTRAINT pk_api_tokens PRIMARY KEY (token_hash), 
	CONSTRAINT fk_api_tokens_account FOREIGN KEY(account) REFERENCES accounts (name)
);
INSERT INTO "api_tokens" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','x','x','x','x','x',1,1,1);
CREATE TABLE app_codes (
	account VARCHAR(40) NOT NULL, 
	secret BLOB NOT NULL, 
	made_at BIGINT NOT NULL, 
	confirmed_at BIGINT, 
	last_step BIGINT NOT NULL, 
	CONSTRAINT pk_app_codes PRIMARY KEY (account), 
	CONSTRAINT fk_app_codes_account FOREIGN KEY(account) REFERENCES accounts (name)
);
INSERT INTO "app_codes" VALUES('x',X'0101010101010101010101010101010101010101010101010101010101010101',1,1,1);
CREATE TABLE article_versions (
	article INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	title_en VARCHAR(160) NOT NULL, 
	title_ru VARCHAR(160) NOT NULL, 
	body_en TEXT NOT NULL, 
	body_ru TEXT NOT NULL, 
	words TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	by_name VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_article_versions PRIMARY KEY (article, version), 
	CONSTRAINT fk_article_versions_article FOREIGN KEY(article) REFERENCES articles (id)
);
INSERT INTO "article_versions" VALUES(1,1,'x','x','x','x','x',1,'x');
CREATE TABLE articles (
	id INTEGER NOT NULL, 
	slug VARCHAR(80) NOT NULL, 
	issue VARCHAR(80) NOT NULL, 
	latest INTEGER NOT NULL, 
	offered INTEGER, 
	published INTEGER, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_articles PRIMARY KEY (id), 
	CONSTRAINT uq_articles_slug UNIQUE (slug)
);
INSERT INTO "articles" VALUES(1,'x','x',1,1,1,1);
CREATE TABLE audit_cosignatures (
	device VARCHAR(28) NOT NULL, 
	size BIGINT NOT NULL, 
	line VARCHAR(400) NOT NULL, 
	received_at BIGINT NOT NULL, 
	CONSTRAINT pk_audit_cosignatures PRIMARY KEY (device)
);
INSERT INTO "audit_cosignatures" VALUES('x',1,'x',1);
CREATE TABLE audit_head (
	id INTEGER NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (id)
);
INSERT INTO "audit_head" VALUES(1,'x');
CREATE TABLE audit_leaves (
	"index" INTEGER NOT NULL, 
	leaf BLOB NOT NULL, 
	device VARCHAR(28), 
	item VARCHAR(36), 
	CONSTRAINT pk_audit_leaves PRIMARY KEY ("index"), 
	CONSTRAINT uq_audit_leaves_device_item UNIQUE (device, item)
);
INSERT INTO "audit_leaves" VALUES(1,X'0101010101010101010101010101010101010101010101010101010101010101','x','x');
CREATE TABLE audit_salts (
	commitment BLOB NOT NULL, 
	salt BLOB NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_audit_salts PRIMARY KEY (commitment)
);
INSERT INTO "audit_salts" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101',X'0101010101010101010101010101010101010101010101010101010101010101','x');
CREATE TABLE audit_waiting (
	id VARCHAR(36) NOT NULL, 
	asked_at BIGINT NOT NULL, 
	entry BLOB NOT NULL, 
	CONSTRAINT pk_audit_waiting PRIMARY KEY (id)
);
INSERT INTO "audit_waiting" VALUES('x',1,X'0101010101010101010101010101010101010101010101010101010101010101');
CREATE TABLE bundles (
	id VARCHAR(36) NOT NULL, 
	device VARCHAR(28) NOT NULL, 
	ticket VARCHAR(36) NOT NULL, 
	case_id VARCHAR(18) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	sha256 BLOB NOT NULL, 
	offset_bytes BIGINT NOT NULL, 
	complete BOOLEAN NOT NULL, 
	token_hash BLOB NOT NULL, 
	token_expires_at BIGINT NOT NULL, 
	asked_at BIGINT NOT NULL, 
	completed_at BIGINT, 
	CONSTRAINT pk_bundles PRIMARY KEY (id), 
	CONSTRAINT fk_bundles_device FOREIGN KEY(device) REFERENCES devices (device), 
	CONSTRAINT fk_bundles_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "bundles" VALUES('x','x','x','x',1,X'0101010101010101010101010101010101010101010101010101010101010101',1,1,X'0101010101010101010101010101010101010101010101010101010101010101',1,1,1);
CREATE TABLE canned_replies (
	id INTEGER NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	text TEXT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	changed_by VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_canned_replies PRIMARY KEY (id)
);
INSERT INTO "canned_replies" VALUES(1,'x','x',1,'x');
CREATE TABLE checks (
	device VARCHAR(28) NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	status VARCHAR(8) NOT NULL, 
	reported_at BIGINT NOT NULL, 
	CONSTRAINT pk_checks PRIMARY KEY (device, id), 
	CONSTRAINT fk_checks_device FOREIGN KEY(device) REFERENCES devices (device)
);
INSERT INTO "checks" VALUES('x','x','x',1);
CREATE TABLE console_sessions (
	token_hash BLOB NOT NULL, 
	account VARCHAR(40) NOT NULL, 
	made_at BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, how VARCHAR(20), browser VARCHAR(60), 
	CONSTRAINT pk_console_sessions PRIMARY KEY (token_hash), 
	CONSTRAINT fk_console_sessions_account FOREIGN KEY(account) REFERENCES accounts (name)
);
INSERT INTO "console_sessions" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','x',1,1,1,'x','x');
CREATE TABLE device_trust (
	device VARCHAR(28) NOT NULL, 
	root BLOB, 
	versions TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_device_trust PRIMARY KEY (device)
);
INSERT INTO "device_trust" VALUES('x',X'0101010101010101010101010101010101010101010101010101010101010101','x',1);
CREATE TABLE devices (
	device VARCHAR(28) NOT NULL, 
	signing_key BLOB NOT NULL, 
	witness_key BLOB NOT NULL, 
	label VARCHAR(80) NOT NULL, 
	request TEXT NOT NULL, 
	received_at BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	asked_customer VARCHAR(120) NOT NULL, 
	customer VARCHAR(120), 
	certificate TEXT, 
	serial VARCHAR(32), 
	last_seen BIGINT, 
	queued INTEGER DEFAULT '0' NOT NULL, replaces VARCHAR(28), 
	CONSTRAINT pk_devices PRIMARY KEY (device)
);
INSERT INTO "devices" VALUES('x',X'0101010101010101010101010101010101010101010101010101010101010101',X'0101010101010101010101010101010101010101010101010101010101010101','x','x',1,'x','x','x','x','x',1,1,'x');
CREATE TABLE documents (
	name VARCHAR(64) NOT NULL, 
	version BIGINT NOT NULL, 
	statement_hash BLOB NOT NULL, 
	document TEXT, 
	stored_at BIGINT NOT NULL, 
	CONSTRAINT pk_documents PRIMARY KEY (name)
);
INSERT INTO "documents" VALUES('x',1,X'0101010101010101010101010101010101010101010101010101010101010101','x',1);
CREATE TABLE eta_history (
	id INTEGER NOT NULL, 
	ticket VARCHAR(36) NOT NULL, 
	eta BIGINT NOT NULL, 
	set_at BIGINT NOT NULL, 
	CONSTRAINT pk_eta_history PRIMARY KEY (id), 
	CONSTRAINT fk_eta_history_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "eta_history" VALUES(1,'x',1,1);
CREATE TABLE findings (
	device VARCHAR(28) NOT NULL, 
	code VARCHAR(64) NOT NULL, 
	instance VARCHAR(16) NOT NULL, 
	severity VARCHAR(8) NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	first_seen BIGINT NOT NULL, 
	last_seen BIGINT NOT NULL, 
	count BIGINT NOT NULL, 
	known_issue VARCHAR(64), 
	reported_at BIGINT NOT NULL, 
	CONSTRAINT pk_findings PRIMARY KEY (device, code, instance), 
	CONSTRAINT fk_findings_device FOREIGN KEY(device) REFERENCES devices (device)
);
INSERT INTO "findings" VALUES('x','x','x','x','x',1,1,1,'x',1);
CREATE TABLE half_sign_ins (
	token_hash BLOB NOT NULL, 
	account VARCHAR(40) NOT NULL, 
	how VARCHAR(20) NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_half_sign_ins PRIMARY KEY (token_hash), 
	CONSTRAINT fk_half_sign_ins_account FOREIGN KEY(account) REFERENCES accounts (name)
);
INSERT INTO "half_sign_ins" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','x','x',1);
CREATE TABLE health_days (
	day INTEGER NOT NULL, 
	customer VARCHAR(120) NOT NULL, 
	severity VARCHAR(8) NOT NULL, 
	findings BIGINT NOT NULL, 
	devices BIGINT NOT NULL, 
	CONSTRAINT pk_health_days PRIMARY KEY (day, customer, severity)
);
INSERT INTO "health_days" VALUES(1,'x','x',1,1);
CREATE TABLE items (
	device VARCHAR(28) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	type VARCHAR(32) NOT NULL, 
	refused VARCHAR(300) DEFAULT '' NOT NULL, 
	received_at BIGINT NOT NULL, 
	CONSTRAINT pk_items PRIMARY KEY (device, id), 
	CONSTRAINT fk_items_device FOREIGN KEY(device) REFERENCES devices (device)
);
INSERT INTO "items" VALUES('x','x','x','x',1);
CREATE TABLE knowledge_counts (
	day INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	article INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_knowledge_counts PRIMARY KEY (day, kind, article)
);
INSERT INTO "knowledge_counts" VALUES(1,'x',1,1);
CREATE TABLE mail_addresses (
	account VARCHAR(40) NOT NULL, 
	address VARCHAR(254) NOT NULL, 
	CONSTRAINT pk_mail_addresses PRIMARY KEY (account)
);
INSERT INTO "mail_addresses" VALUES('x','x');
CREATE TABLE mails (
	id INTEGER NOT NULL, 
	address VARCHAR(254) NOT NULL, 
	ticket VARCHAR(36) NOT NULL, 
	made_at BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_at BIGINT, 
	error VARCHAR(200), 
	CONSTRAINT pk_mails PRIMARY KEY (id)
);
INSERT INTO "mails" VALUES(1,'x','x',1,1,1,'x');
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	ticket VARCHAR(36) NOT NULL, 
	at BIGINT NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	signed TEXT, 
	statement_hash BLOB, 
	CONSTRAINT pk_messages PRIMARY KEY (id), 
	CONSTRAINT fk_messages_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket), 
	CONSTRAINT uq_messages_statement_hash UNIQUE (statement_hash)
);
INSERT INTO "messages" VALUES(1,'x',1,'x','x','x',X'0101010101010101010101010101010101010101010101010101010101010101');
CREATE TABLE metrics (
	device VARCHAR(28) NOT NULL, 
	name VARCHAR(96) NOT NULL, 
	instance VARCHAR(16) NOT NULL, 
	at BIGINT NOT NULL, 
	value FLOAT NOT NULL, 
	CONSTRAINT pk_metrics PRIMARY KEY (device, name, instance, at), 
	CONSTRAINT fk_metrics_device FOREIGN KEY(device) REFERENCES devices (device)
);
INSERT INTO "metrics" VALUES('x','x','x',1,1.5);
CREATE TABLE notice_reading (
	id INTEGER NOT NULL, 
	floor INTEGER NOT NULL, 
	read_to INTEGER NOT NULL, 
	CONSTRAINT pk_notice_reading PRIMARY KEY (id)
);
INSERT INTO "notice_reading" VALUES(1,1,1);
CREATE TABLE notices (
	id INTEGER NOT NULL, 
	account VARCHAR(40) NOT NULL, 
	ticket VARCHAR(36) NOT NULL, 
	event INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	at BIGINT NOT NULL, 
	seen_at BIGINT, 
	CONSTRAINT pk_notices PRIMARY KEY (id), 
	CONSTRAINT fk_notices_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket), 
	CONSTRAINT uq_notices_event_account UNIQUE (event, account)
);
INSERT INTO "notices" VALUES(1,'x','x',1,'x',1,1);
CREATE TABLE one_use_links (
	token_hash BLOB NOT NULL, 
	account VARCHAR(40) NOT NULL, 
	made_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_one_use_links PRIMARY KEY (token_hash), 
	CONSTRAINT fk_one_use_links_account FOREIGN KEY(account) REFERENCES accounts (name)
);
INSERT INTO "one_use_links" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','x',1,1);
CREATE TABLE organisation (
	id INTEGER NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	trusted_root BLOB NOT NULL, 
	rotation_sequence BIGINT NOT NULL, 
	pinned_at BIGINT NOT NULL, 
	CONSTRAINT pk_organisation PRIMARY KEY (id)
);
INSERT INTO "organisation" VALUES(1,'x',X'0101010101010101010101010101010101010101010101010101010101010101',1,1);
CREATE TABLE passkeys (
	id VARCHAR(32) NOT NULL, 
	credential BLOB NOT NULL, 
	account VARCHAR(40) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	public_key BLOB NOT NULL, 
	sign_count BIGINT NOT NULL, 
	made_at BIGINT NOT NULL, 
	last_used_at BIGINT, 
	CONSTRAINT pk_passkeys PRIMARY KEY (id), 
	CONSTRAINT fk_passkeys_account FOREIGN KEY(account) REFERENCES accounts (name), 
	CONSTRAINT uq_passkeys_credential UNIQUE (credential)
);
INSERT INTO "passkeys" VALUES('x',X'0101010101010101010101010101010101010101010101010101010101010101','x','x',X'0101010101010101010101010101010101010101010101010101010101010101',1,1,1);
CREATE TABLE recovery_codes (
	code_hash BLOB NOT NULL, 
	account VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_recovery_codes PRIMARY KEY (code_hash), 
	CONSTRAINT fk_recovery_codes_account FOREIGN KEY(account) REFERENCES accounts (name)
);
INSERT INTO "recovery_codes" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','x');
CREATE TABLE report_gaps (
	device VARCHAR(28) NOT NULL, 
	at BIGINT NOT NULL, 
	cycles INTEGER NOT NULL, 
	CONSTRAINT pk_report_gaps PRIMARY KEY (device, at), 
	CONSTRAINT fk_report_gaps_device FOREIGN KEY(device) REFERENCES devices (device)
);
INSERT INTO "report_gaps" VALUES('x',1,1);
CREATE TABLE rotations (
	sequence BIGINT NOT NULL, 
	envelope TEXT NOT NULL, 
	CONSTRAINT pk_rotations PRIMARY KEY (sequence)
);
INSERT INTO "rotations" VALUES(1,'x');
CREATE TABLE sealed (
	id VARCHAR(36) NOT NULL, 
	device VARCHAR(28) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	ticket VARCHAR(36), 
	session BLOB, 
	sha256 BLOB NOT NULL, 
	size_bytes INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_sealed PRIMARY KEY (id), 
	CONSTRAINT fk_sealed_device FOREIGN KEY(device) REFERENCES devices (device), 
	CONSTRAINT fk_sealed_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "sealed" VALUES('x','x','x','x',X'0101010101010101010101010101010101010101010101010101010101010101',X'0101010101010101010101010101010101010101010101010101010101010101',1,X'0101010101010101010101010101010101010101010101010101010101010101',1);
CREATE TABLE service_rules (
	id INTEGER NOT NULL, 
	rules TEXT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	changed_by VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_service_rules PRIMARY KEY (id)
);
INSERT INTO "service_rules" VALUES(1,'x',1,'x');
CREATE TABLE sessions (
	room VARCHAR(26) NOT NULL, 
	device VARCHAR(28) NOT NULL, 
	ticket VARCHAR(36), 
	serial VARCHAR(32) NOT NULL, 
	asked_at BIGINT NOT NULL, 
	paired_at BIGINT, 
	ended_at BIGINT, 
	end_reason VARCHAR(120), 
	bytes_to_device BIGINT DEFAULT '0' NOT NULL, 
	bytes_to_technician BIGINT DEFAULT '0' NOT NULL, 
	grant_hash BLOB, 
	scopes TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (room), 
	CONSTRAINT fk_sessions_device FOREIGN KEY(device) REFERENCES devices (device), 
	CONSTRAINT fk_sessions_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "sessions" VALUES('x','x','x','x',1,1,1,'x',1,1,X'0101010101010101010101010101010101010101010101010101010101010101','x');
CREATE TABLE setup_codes (
	code_hash BLOB NOT NULL, 
	made_at BIGINT NOT NULL, 
	used_at BIGINT, 
	CONSTRAINT pk_setup_codes PRIMARY KEY (code_hash)
);
INSERT INTO "setup_codes" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101',1,1);
CREATE TABLE sign_in_attempts (
	"key" BLOB NOT NULL, 
	failures INTEGER NOT NULL, 
	last_at BIGINT NOT NULL, 
	CONSTRAINT pk_sign_in_attempts PRIMARY KEY ("key")
);
INSERT INTO "sign_in_attempts" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101',1,1);
CREATE TABLE sign_ins (
	token_hash BLOB NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	serial VARCHAR(32) NOT NULL, 
	certificate TEXT NOT NULL, 
	made_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_sign_ins PRIMARY KEY (token_hash)
);
INSERT INTO "sign_ins" VALUES(X'0101010101010101010101010101010101010101010101010101010101010101','x','x','x',1,1);
CREATE TABLE technicians (
	serial VARCHAR(32) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	tier INTEGER NOT NULL, 
	certificate TEXT NOT NULL, 
	not_after BIGINT NOT NULL, 
	stored_at BIGINT NOT NULL, 
	CONSTRAINT pk_technicians PRIMARY KEY (serial)
);
INSERT INTO "technicians" VALUES('x','x',1,'x',1,1);
CREATE TABLE ticket_events (
	id INTEGER NOT NULL, 
	ticket VARCHAR(36) NOT NULL, 
	at BIGINT NOT NULL, 
	kind VARCHAR(12) NOT NULL, 
	"before" VARCHAR(40), 
	"after" VARCHAR(40), 
	by_kind VARCHAR(12) NOT NULL, 
	by_name VARCHAR(40) NOT NULL, 
	note TEXT, 
	CONSTRAINT pk_ticket_events PRIMARY KEY (id), 
	CONSTRAINT fk_ticket_events_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "ticket_events" VALUES(1,'x',1,'x','x','x','x','x','x');
CREATE TABLE ticket_repeats (
	ticket VARCHAR(36) NOT NULL, 
	of_ticket VARCHAR(36) NOT NULL, 
	statement TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_ticket_repeats PRIMARY KEY (ticket), 
	CONSTRAINT fk_ticket_repeats_of_ticket FOREIGN KEY(of_ticket) REFERENCES tickets (ticket)
);
INSERT INTO "ticket_repeats" VALUES('x','x','x',1);
CREATE TABLE ticket_service (
	ticket VARCHAR(36) NOT NULL, 
	impact INTEGER NOT NULL, 
	urgency INTEGER NOT NULL, 
	answer_due BIGINT, 
	solve_due BIGINT, 
	answer_broken_at BIGINT, 
	solve_broken_at BIGINT, 
	solve_left_s BIGINT NOT NULL, 
	answer_told BOOLEAN NOT NULL, 
	solve_told BOOLEAN NOT NULL, 
	CONSTRAINT pk_ticket_service PRIMARY KEY (ticket), 
	CONSTRAINT fk_ticket_service_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "ticket_service" VALUES('x',1,1,1,1,1,1,1,1,1);
CREATE TABLE ticket_trackers (
	ticket VARCHAR(36) NOT NULL, 
	url VARCHAR(500) NOT NULL, 
	at BIGINT NOT NULL, 
	by_name VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_ticket_trackers PRIMARY KEY (ticket), 
	CONSTRAINT fk_ticket_trackers_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "ticket_trackers" VALUES('x','x',1,'x');
CREATE TABLE ticket_verdicts (
	id INTEGER NOT NULL, 
	ticket VARCHAR(36) NOT NULL, 
	at BIGINT NOT NULL, 
	helped BOOLEAN NOT NULL, 
	mark INTEGER, 
	CONSTRAINT pk_ticket_verdicts PRIMARY KEY (id), 
	CONSTRAINT fk_ticket_verdicts_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "ticket_verdicts" VALUES(1,'x',1,1,1);
CREATE TABLE ticket_watchers (
	ticket VARCHAR(36) NOT NULL, 
	account VARCHAR(40) NOT NULL, 
	since BIGINT NOT NULL, 
	CONSTRAINT pk_ticket_watchers PRIMARY KEY (ticket, account), 
	CONSTRAINT fk_ticket_watchers_ticket FOREIGN KEY(ticket) REFERENCES tickets (ticket)
);
INSERT INTO "ticket_watchers" VALUES('x','x',1);
CREATE TABLE tickets (
	ticket VARCHAR(36) NOT NULL, 
	case_id VARCHAR(18) NOT NULL, 
	device VARCHAR(28) NOT NULL, 
	origin VARCHAR(16) NOT NULL, 
	finding VARCHAR(64), 
	instance VARCHAR(16), 
	severity VARCHAR(8), 
	words TEXT NOT NULL, 
	opened_at BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	state VARCHAR(24) NOT NULL, 
	outcome VARCHAR(24), 
	level INTEGER NOT NULL, 
	cost VARCHAR(500) NOT NULL, 
	doing VARCHAR(500) NOT NULL, 
	next VARCHAR(500) NOT NULL, 
	eta BIGINT NOT NULL, 
	statement TEXT NOT NULL, owner VARCHAR(40), 
	CONSTRAINT pk_tickets PRIMARY KEY (ticket), 
	CONSTRAINT fk_tickets_device FOREIGN KEY(device) REFERENCES devices (device)
);
INSERT INTO "tickets" VALUES('x','x','x','x','x','x','x','x',1,1,1,'x','x',1,'x','x','x',1,'x','x');
CREATE TABLE used_tokens (
	token_id VARCHAR(32) NOT NULL, 
	device VARCHAR(28) NOT NULL, 
	used_at BIGINT NOT NULL, 
	CONSTRAINT pk_used_tokens PRIMARY KEY (token_id), 
	CONSTRAINT fk_used_tokens_device FOREIGN KEY(device) REFERENCES devices (device)
);
INSERT INTO "used_tokens" VALUES('x','x',1);
CREATE INDEX ix_audit_leaves_device ON audit_leaves (device);
CREATE INDEX ix_devices_asked_customer ON devices (asked_customer);
CREATE INDEX ix_devices_customer ON devices (customer);
CREATE INDEX ix_devices_state ON devices (state);
CREATE INDEX ix_sign_ins_serial ON sign_ins (serial);
CREATE INDEX ix_items_received_at ON items (received_at);
CREATE INDEX ix_metrics_at ON metrics (at);
CREATE INDEX ix_tickets_case_id ON tickets (case_id);
CREATE INDEX ix_tickets_device ON tickets (device);
CREATE INDEX ix_tickets_state ON tickets (state);
CREATE UNIQUE INDEX uq_tickets_open_fingerprint ON tickets (device, finding, instance) WHERE finding IS NOT NULL AND (state NOT IN ('solved', 'closed'));
CREATE INDEX ix_bundles_device ON bundles (device);
CREATE INDEX ix_bundles_ticket ON bundles (ticket);
CREATE INDEX ix_eta_history_ticket ON eta_history (ticket);
CREATE INDEX ix_messages_ticket ON messages (ticket);
CREATE INDEX ix_sealed_device ON sealed (device);
CREATE INDEX ix_sealed_ticket ON sealed (ticket);
CREATE INDEX ix_sessions_asked_at ON sessions (asked_at);
CREATE INDEX ix_sessions_device ON sessions (device);
CREATE INDEX ix_sessions_serial ON sessions (serial);
CREATE INDEX ix_sessions_ticket ON sessions (ticket);
CREATE INDEX ix_ticket_repeats_of_ticket ON ticket_repeats (of_ticket);
CREATE INDEX ix_console_sessions_account ON console_sessions (account);
CREATE INDEX ix_one_use_links_account ON one_use_links (account);
CREATE INDEX ix_sign_in_attempts_last_at ON sign_in_attempts (last_at);
CREATE INDEX ix_tickets_received_at ON tickets (received_at);
CREATE INDEX ix_ticket_events_at ON ticket_events (at);
CREATE INDEX ix_ticket_events_ticket ON ticket_events (ticket);
CREATE INDEX ix_devices_replaces ON devices (replaces);
CREATE INDEX ix_half_sign_ins_account ON half_sign_ins (account);
CREATE INDEX ix_recovery_codes_account ON recovery_codes (account);
CREATE INDEX ix_passkeys_account ON passkeys (account);
CREATE INDEX ix_api_tokens_account ON api_tokens (account);
CREATE INDEX ix_api_tokens_expires_at ON api_tokens (expires_at);
CREATE INDEX ix_ticket_service_answer_due ON ticket_service (answer_due);
CREATE INDEX ix_ticket_service_solve_due ON ticket_service (solve_due);
CREATE INDEX ix_ticket_verdicts_at ON ticket_verdicts (at);
CREATE INDEX ix_ticket_verdicts_ticket ON ticket_verdicts (ticket);
CREATE INDEX ix_notices_account_seen_at ON notices (account, seen_at);
CREATE INDEX ix_mails_next_at ON mails (next_at);
COMMIT;
