// Passkeys: asks the browser for one, puts its answer into the form it stands in, and sends that form.
// <form data-passkey="sign-in | add" data-options="/address of the options" hidden> … <input name="credential" type="hidden">
"use strict";
(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (found) => (found || []).map((one) => ({ ...one, id: toBytes(one.id) }));

  async function optionsFrom(form) {
    const fields = new URLSearchParams();
    if (form.elements.form) fields.set("form", form.elements.form.value);
    const answer = await fetch(form.dataset.options, { method: "POST", body: fields, mode: "same-origin" });
    if (!answer.ok) throw new Error(answer.status === 429 ? "Too many attempts. Wait a minute." : "Reload the page, and try again.");
    return answer.json();
  }

  async function added(form) {
    const asked = await optionsFrom(form);
    const made = await navigator.credentials.create({
      publicKey: {
        ...asked,
        challenge: toBytes(asked.challenge),
        user: { ...asked.user, id: toBytes(asked.user.id) },
        excludeCredentials: listed(asked.excludeCredentials),
      },
    });
    return {
      id: made.id,
      rawId: toText(made.rawId),
      type: made.type,
      response: {
        clientDataJSON: toText(made.response.clientDataJSON),
        attestationObject: toText(made.response.attestationObject),
      },
    };
  }

  async function answered(form) {
    const asked = await optionsFrom(form);
    const found = await navigator.credentials.get({
      publicKey: { ...asked, challenge: toBytes(asked.challenge), allowCredentials: listed(asked.allowCredentials) },
    });
    return {
      id: found.id,
      rawId: toText(found.rawId),
      type: found.type,
      response: {
        clientDataJSON: toText(found.response.clientDataJSON),
        authenticatorData: toText(found.response.authenticatorData),
        signature: toText(found.response.signature),
        userHandle: found.response.userHandle ? toText(found.response.userHandle) : null,
      },
    };
  }

  // What browsers say when somebody closed the window, or none of their keys fits; said so that people understand.
  const WORDS = {
    NotAllowedError: "Nothing was chosen, or it took too long. Try again.",
    InvalidStateError: "This key is one of your passkeys already.",
    SecurityError: "This address cannot have passkeys.",
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    const verdict = form.querySelector("[data-passkey-verdict]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      verdict.textContent = "";
      try {
        const credential = await (form.dataset.passkey === "add" ? added(form) : answered(form));
        form.elements.credential.value = JSON.stringify(credential);
        form.submit();
      } catch (error) {
        verdict.textContent = WORDS[error.name] || error.message;
        button.disabled = false;
      }
    });
  }
})();
