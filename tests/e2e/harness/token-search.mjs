// @ts-check
// Looks for tokens in what a page could see. The page gives what it saw, the tokens stay here: a
// page that was told what to look for would find it.

/** @typedef {{ place: string, kind: string, form: string, text: string }} Hit */
/** @typedef {{ kind: string, token: string }} Sought */

/**
 * @param {string[]} kept place and text in turn
 * @returns {Map<string, string[]>} texts by place
 */
export function byPlace(kept) {
  /** @type {Map<string, string[]>} */
  const places = new Map();
  for (let i = 0; i + 1 < kept.length; i += 2) {
    const place = /** @type {string} */ (kept[i]);
    const text = /** @type {string} */ (kept[i + 1]);
    const texts = places.get(place);
    if (texts) texts.push(text);
    else places.set(place, [text]);
  }
  return places;
}

/**
 * @param {string[]} kept place and text in turn
 * @param {Sought[]} tokens
 * @returns {Hit[]} each place where a token is, or its signature, in any common encoding
 */
export function search(kept, tokens) {
  const needles = tokens.flatMap(({ kind, token }) =>
    forms(token).map(([form, needle]) => ({ kind, form, needle })),
  );
  /** @type {Hit[]} */
  const hits = [];
  for (const [place, texts] of byPlace(kept)) {
    // Searched as one: what is in none of a place's texts costs one look.
    const all = texts.join("\n");
    for (const { kind, form, needle } of needles) {
      const at = all.indexOf(needle);
      if (at >= 0) hits.push({ place, kind, form, text: all.slice(Math.max(0, at - 80), at) });
    }
  }
  return hits;
}

/**
 * @param {string} token
 * @returns {[form: string, needle: string][]}
 */
export function forms(token) {
  const parts = token.split(".");
  // Header and payload of an ID token are no secret, the claims come from there; its signature is.
  const secret = parts.length === 3 ? /** @type {string} */ (parts[2]) : token;
  /** @type {[string, string][]} */
  const found = [
    ["whole", secret],
    ["reversed", [...secret].reverse().join("")],
    ["hex", Buffer.from(secret).toString("hex")],
    ["char codes", [...Buffer.from(secret)].join(",")],
  ];
  // Of what is not written in those letters next to nothing might be left, and that is found everywhere.
  if (/^[\w-]+$/.test(secret)) {
    found.push(["decoded", Buffer.from(secret, "base64url").toString("hex")]);
  }
  // Base64 of a text depends on where in three bytes it begins; its first and last groups mix with
  // their neighbours.
  for (const offset of [0, 1, 2]) {
    const encoded = Buffer.from("x".repeat(offset) + secret).toString("base64");
    const middle = encoded.slice(4, -4);
    found.push([`base64 at ${offset}`, middle]);
    found.push([`base64url at ${offset}`, middle.replaceAll("+", "-").replaceAll("/", "_")]);
  }
  const escaped = encodeURIComponent(secret);
  if (escaped !== secret) found.push(["URL-encoded", escaped]);
  return found;
}
