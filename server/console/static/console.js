// What the console does with scripts on, beyond web's: times typed in the reader's zone, and proofs computed here.
"use strict";

// --- a time in a form: shown and typed in the reader's zone, sent in UTC -------------------------------------------
for (const holder of document.querySelectorAll("[data-local-time]")) {
  const input = holder.querySelector("input[type=datetime-local]");
  const label = holder.querySelector("label");
  const pad = (number) => String(number).padStart(2, "0");
  const local = (moment) =>
    `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}T${pad(moment.getHours())}:${pad(moment.getMinutes())}`;
  if (input.value) input.value = local(new Date(`${input.value}Z`));
  label.textContent = label.textContent.replace("UTC", "your time");
  const choice = input.form.elements.eta_choice;
  // Who types a time means that time.
  input.addEventListener("input", () => (choice.value = "at"));
  input.form.addEventListener("formdata", (event) => {
    const moment = new Date(input.value);
    if (!Number.isNaN(moment.getTime())) event.formData.set(input.name, moment.toISOString().slice(0, 16));
  });
}

// --- an inclusion proof, computed again from the bytes of the proof file -------------------------------------------
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

async function hash(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
}

async function rootOf(proof) {
  const [, sizeLine, rootLine] = proof.checkpoint.split("\n");
  let place = BigInt(proof.index);
  let last = BigInt(sizeLine) - 1n;
  let current = await hash(Uint8Array.of(0), fromBase64(proof.leaf));
  for (const text of proof.path) {
    if (last === 0n) throw new Error("the proof is longer than the tree is high");
    const neighbour = fromBase64(text);
    if (place & 1n || place === last) {
      current = await hash(Uint8Array.of(1), neighbour, current);
      while (place && !(place & 1n)) [place, last] = [place >> 1n, last >> 1n];
    } else current = await hash(Uint8Array.of(1), current, neighbour);
    [place, last] = [place >> 1n, last >> 1n];
  }
  if (last !== 0n) throw new Error("the proof is shorter than the tree is high");
  return { computed: toHex(current), signed: toHex(fromBase64(rootLine)), size: sizeLine };
}

for (const button of document.querySelectorAll("[data-proof-check]")) {
  if (!window.crypto || !crypto.subtle) break; // plain http to another host: the browser offers no hashes
  const card = button.closest(".card-body");
  const verdict = card.querySelector("[data-proof-verdict]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      const answer = await fetch(card.querySelector("[data-proof]").dataset.proof, { mode: "same-origin" });
      if (!answer.ok) throw new Error(`the proof file answered ${answer.status}`);
      const { computed, signed, size } = await rootOf(await answer.json());
      verdict.textContent =
        computed === signed
          ? `Your browser computed ${computed.slice(0, 16)}…, the root that the checkpoint of ${size} entries signs.`
          : `These do not agree: computed ${computed}, signed ${signed}. Keep both and tell the auditor.`;
    } catch (error) {
      verdict.textContent = `It could not be computed: ${error.message}.`;
    }
  });
}
