// Who is signed in: name, address, and each claim as the provider said it.
import { byId, make, setText } from "./dom.ts";
import { dateAndTime } from "./time.ts";

type Claims = Readonly<Record<string, unknown>>;

/** OpenID Connect Core, 2 and 5.1: those that are seconds since the Unix epoch. */
const TIMES = new Set(["exp", "iat", "nbf", "auth_time", "updated_at"]);

/** The claims that people look for first; the rest follows as it came. */
const FIRST = ["sub", "name", "email", "email_verified", "auth_time", "iss", "aud"];

export function showPerson(claims: Claims, scopes: readonly string[]): void {
  const name = nameOf(claims);
  setText("name", name);
  setText("email", text(claims["email"]) ?? "");
  setText("avatar", name.charAt(0).toUpperCase());
  byId("claims", HTMLTableSectionElement).replaceChildren(...sorted(claims).map(row));
  byId("scopes", HTMLUListElement).replaceChildren(...scopes.map((scope) => make("li", "", scope)));
}

export function nameOf(claims: Claims): string {
  return text(claims["name"]) ?? text(claims["sub"]) ?? "Somebody";
}

function sorted(claims: Claims): [string, unknown][] {
  const place = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return Object.entries(claims).sort(([a], [b]) => place(a) - place(b));
}

function row([name, value]: [string, unknown]): HTMLElement {
  const header = make("th", "", name);
  header.scope = "row";
  return make("tr", "", header, make("td", "", shown(name, value)));
}

function shown(name: string, value: unknown): string {
  if (TIMES.has(name) && typeof value === "number") return dateAndTime(value * 1000);
  return text(value) ?? JSON.stringify(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
