// What the tests find on `window.tw`, and what the page finds in its settings.

/** The package as it is built and imported by the page. */
// biome-ignore lint/suspicious/noExplicitAny: the facade's types are tested by its own type tests
export type Sdk = any;
// biome-ignore lint/suspicious/noExplicitAny: tests pass wrong options on purpose
export type Options = any;
// biome-ignore lint/suspicious/noExplicitAny: tests call it with wrong arguments on purpose
export type Auth = any;

export interface Settings {
  /** Address of the package's entry. */
  sdk: string;
  /** Whether the page makes a client by itself. */
  create: boolean;
  /** Whether that client is started at once. */
  start: boolean;
  /** Whether the page listens to events from its beginning. */
  listens?: boolean;
  /** Whether everything the page sees is recorded. */
  watched: boolean;
  /** Scripts that run before the package is loaded. */
  first?: string[];
  /** The origin to which an attack sends what it found. */
  attacker?: string;
  options: Options;
}

export interface TestPage {
  settings: Settings;
  sdk?: Sdk;
  auth?: Auth;
  /** Settles once the client exists; rejects with what the page's own code threw. */
  started: Promise<void>;
  /** The page's address in the turn in which it touched `ready`. */
  urlAfterReady?: string;
  /** Every state since the page was opened. */
  states: { status: string; [more: string]: unknown }[];
  /** Every event since then, where the page listens. */
  events: { type: string; [more: string]: unknown }[];
  /** Place and text in turn: all that was seen, and kept while the page navigates. */
  kept: string[];
  /** Notes everything that is within the page's reach now. */
  collect?: () => Promise<void>;
  /** Imports a module here: Firefox runs a test's functions beside the page, where it would be another. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the module exports
  load: (url: string) => Promise<any>;
  /** Has the vault forget which sign-ins came back of late. */
  forgetBounces?: () => Promise<void>;
  /** What a test leaves for its next step. */
  // biome-ignore lint/suspicious/noExplicitAny: each test knows its own
  [more: string]: any;
}

declare global {
  interface Window {
    tw: TestPage;
  }
}
