// @ts-check
// What is not stopped, in the words of docs/threats.md. Each is the outcome of at least one attack, which is
// tested to be exactly that.

/** @type {Record<string, string>} */
export const LIMITS = {
  "uses the session": `a script in the page is the page: it calls the APIs that the configuration lists, as
  the user who is signed in, reads their answers, and signs the user out. It does that while its page is open, and
  takes nothing away that works elsewhere.`,
  "signs in for itself": `with the provider's cookie a script has a login of its own in a hidden frame, with a
  verifier of its own, and gets tokens of its own. No client can prevent that; short sessions at the provider,
  a consent, and a \`frame-src\` in the page's policy without the provider do.`,
  "stands in for the vault": `a script that runs before the SDK can replace \`SharedWorker\` and \`Worker\`, so
  that a page opens the script's own vault. A session that a real vault has stays there; who signs in from then
  on signs in to the script. With an origin of its own it can stand in for the
  frame instead, and the provider still sends nobody's code to it. Only a policy that keeps such a script out helps.`,
  "denial of service": `a script can keep its user from working: it can hang, end or occupy vaults of its
  origin and its own page. It gets no token by that.`,
  "reads the sign-in on its way": `the verifier of a sign-in waits in IndexedDB for the way back, since most
  vaults go with their page. A script that runs on the callback page before the SDK has it and the code, once, for as
  long as a code lives: a login, as with one of its own. It is in no storage afterwards.`,
  "sees what the page hands in": `a key or a password that the application hands to the vault is in the page
  until then, and a script that listens has it. Where you can, configure an \`endpoint\`.`,
  "uses the key in place": `a key that is stored for DPoP cannot be exported. A script of this origin can use
  it, and take signed proofs away: without a token, which it has not, they are worth nothing.`,
  "opens the record in place": `only with \`persistence: "sealed"\` or \`"sealed-unbound"\`: a script of this
  origin can use the key that is stored beside the record, though never export it. So it opens the record, itself
  or with a vault that it starts in the page, and has the refresh token in its hands: until it is renewed, and until
  somebody signs out. What that is worth elsewhere stands below.`,
  "takes as much as it signs": `only with \`persistence: "sealed"\`, at a provider that wants no nonces in DPoP
  proofs: an opened refresh token works elsewhere with proofs that the script signed in the page, as many as it
  signed and as long as the provider takes them for new. The access tokens that it gets are bound too, and need
  proofs of their own. Where the provider wants nonces, proofs signed beforehand are refused; the client warns
  where it does not (\`sealed_without_nonce\`).`,
  "takes the session away": `only with \`persistence: "sealed-unbound"\`: the opened refresh token works
  anywhere, without the browser it came from, until it is rotated there, somebody signs out, or the provider ends
  it. A provider that detects reuse ends the session of both when the vault renews next.`,
  "asks the backend itself": `only with \`refreshCookie\`, where the backend serves the origin of the page: a script
  that sends the header has an access token of it, one after the other while its page is open, and each works
  elsewhere while it lives. It has neither the refresh token nor the cookie. With the vault at an origin of its own the
  backend serves that one alone, and a script of the page has nothing of it.`,
  "hears what passes": `only with \`isolation: "none"\`: the vault runs in the page and with the page's functions.
  A script that replaced them before the SDK started hears tokens, or codes with their verifiers, pass through them;
  how much one hears that comes later was not tried.`,
  "reads the vault's memory": `only with \`isolation: "none"\`: a script that runs before the SDK takes a hand on the
  memory of the vault's module, and reads the tokens there whenever it likes.`,
  "sees what the API gives away": `an API that returns the token which it was sent in bytes that are no text, or in
  an encoding, gives it to the page. What is text or JSON is searched, in the first 64 KiB.`,
};

/** Those by which a script has bytes of the session's tokens. */
export const GIVES = new Set([
  "sees what the API gives away",
  "opens the record in place",
  "takes as much as it signs",
  "takes the session away",
  "asks the backend itself",
  "hears what passes",
  "reads the vault's memory",
]);
