"""Words that are no secret although somebody is called so.

A user named ``mark`` or a host named ``server`` cannot be blotted out of every line without blotting out the log.
Such names are replaced only where the place itself says that a name stands there (``/home/mark``, ``user=mark``,
``for mark from``). Everything else that was harvested from the machine is replaced everywhere.

Not a dictionary: the words that logs, configurations and this program's own marks use, English function words,
month and day names, and first names that are words.
"""

from __future__ import annotations

SYSTEM_ACCOUNTS = frozenset(
    b"""root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody _apt
    systemd-network systemd-resolve systemd-timesync systemd-coredump systemd-oom systemd messagebus dbus syslog
    tss uuidd tcpdump avahi avahi-autoipd usbmux dnsmasq kernoops cups-pk-helper rtkit whoopsie sssd speech-dispatcher
    nm-openvpn saned colord geoclue pulse gnome-initial-setup hplip gdm gdm-greeter sddm lightdm polkitd polkit
    fwupd-refresh fwupd sshd ssh mysql postgres redis mongodb rabbitmq elasticsearch nginx apache httpd tomcat
    postfix dovecot exim debian-exim bind named ntp chrony _chrony statd rpc rpcuser nfsnobody ftp ftpuser git
    svn jenkins docker containerd lxd libvirt-qemu qemu kvm systemd-journal adm audio video wheel sudo admin
    administrator guest user users test ubuntu debian centos fedora ec2-user azureuser vagrant pi oracle operator
    halt shutdown nfs samba smmsp squid zabbix nagios prometheus grafana node service system local local.service
    networkservice localservice localsystem nt defaultaccount wdagutilityaccount public default anonymous everyone
    owner unknown null none invalid illegal uid gid pam session opened closed memcached memcache haproxy varnish
    influxdb consul vault etcd kubernetes kube root@localhost wwwrun http mailman spamd clamav amavis opendkim
    _www _mdnsresponder _spotlight _coreaudiod _windowserver _locationd _softwareupdate _securityagent""".split()
)

COMMON_WORDS = frozenset(
    b"""a about above access account action active add address after agent alarm alert alias all allow also always
    am an and any api app application apr april arch are arm array art as ask at attach audit aug august auth auto
    back backup bad base bash battery be been before begin bill bin bit block boot both bridge broker browser bug
    build bus busy but by cache call can cancel card cat change channel check child class clean clear client clock
    close cloud cluster code com command common config configuration connect connection console container content
    context control copy core count cpu crash create cron current daemon dash data database date dawn day db dead
    debian debug dec december default delete deny desktop dev device dhcp dir disable disabled disk display dns do
    docker document domain done down drive driver drop dry due dump edge edit email empty enable enabled end engine
    entry env error eth eth0 event exec exit export fail failed failure false fan fatal feb february fedora fetch
    file files filter find fire first flag flow flush folder font for force format found frame free fri friday from
    full func function gateway get git given global gnome go got grace grant group guest had handle hard has hash
    have head health hello help here high hit hold home hook hope host hour house http https hub hunter id idle if
    image in index info init input install int interface internal internet invalid io ip is it item iv jack jan
    january job join joy jul july jun june kde kernel key kid kill kit label lan language laptop last lead leave
    left lib library light limit line link linux list listen live load local localhost location lock log login logs
    long loop lost low mac machine mail main man manager map mar march mark mask master match max may mem memory
    message method min minute miss mode model module mon monday monitor month mount mouse move multi name net
    network never new next nic nick night no node none normal not nov november now null number object oct october
    off office offline ok old on once one online only open option or os other our out output own owner package
    packet page panel parent parse part partition pass password pat patch path pay pc peer pending phone pid pin
    ping pipe plan play plugin point policy pool port post power press primary print printer private process
    product profile program project protocol proxy public pull push put query queue quick quit radio raid rail ram
    range rate raw ray read ready real reboot receive record red redacted reference register relay release remote
    remove rename render reply report request reset resolve resource response rest restart result resume retry
    return rich right rob role root rose route router rule run running safe sat saturday save scan scope screen
    script sda search second section secret sections security see select self send sep september serial server
    service session set setting settings setup share she shell show shut shutdown side sig sign signal site size
    skip sleep slice slot slow so socket some source space spec split spool ssh stable stack staff stage standard
    start started starting state static station status step still stop stopped storage store stream string student
    studio sub success sun sunday super support sure swap switch sync system systemd tab table tag tail take target
    task tcp team temp term terminal test tester testing text than that the then there they this thread through thu
    thursday tick ticket time timeout timer to token tool top total trace traffic trust try tue tuesday tune tunnel
    two type ubuntu udp unit unknown unlock up update upgrade upload upper url usb use user username users using uuid
    valid value van var vault version via video view virtual vm volume wait wake wall want warn warning was watch
    way web wed wednesday week well wheel when where wifi will win window windows wire with word work worker
    workgroup workstation world write xorg year yes you zone person ssid sid mac fingerprint domain high-entropy
    lan wlan wan localdomain example invalid home.arpa corp intern intranet org net edu gov mil info lab labs demo
    chart grant dean dale drew guy herb iris ivy jade jasper jean lance miles mike norm olive paris peg penny pierce
    pip ruby sandy sky spike stew sue summer tiny tony victor vi wade ward willow bond chip cliff clay colt cook
    crystal daisy eve faith field forest fox frank gene ginger hazel heath heather holly hunt jet jewel josh june
    basil amber angel april autumn bishop bob-not bot carol cash chad chance charity cherry chuck constant
    mobile tablet notebook macbook imac thinkpad computer device-name unnamed administrator admin prompt""".split()
)
