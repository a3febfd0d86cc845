// @ts-check
// The provider's own pages: sign in, signing out, signed out, and errors.

const STYLE = `
  :root { color-scheme: light dark; --line: #8886; --accent: #2457d6; }
  @media (prefers-color-scheme: dark) { :root { --accent: #8fb0ff; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
    font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
  main { width: min(22rem, 100%); padding: 2rem; border: 1px solid var(--line); border-radius: 12px; }
  h1 { margin: 0 0 .25rem; font-size: 1.35rem; }
  p { margin: 0 0 1.25rem; opacity: .75; overflow-wrap: anywhere; }
  label { display: block; margin-bottom: 1rem; font-size: .875rem; }
  input { display: block; width: 100%; margin-top: .25rem; padding: .6rem .75rem; font: inherit;
    border: 1px solid var(--line); border-radius: 8px; background: Field; color: FieldText; }
  button { width: 100%; padding: .65rem; font: inherit; font-weight: 600; cursor: pointer;
    border: 0; border-radius: 8px; background: var(--accent); color: Canvas; }
  a { display: block; margin-top: 1rem; text-align: center; color: inherit; font-size: .875rem; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
`;

/**
 * @param {{ action: string, cancel: string, client: string, login: string }} form
 * @returns {string} fields `login` and `password` (ids alike), one submit button
 */
export function loginPage({ action, cancel, client, login }) {
  return page(
    "Sign in",
    `<h1>Sign in</h1>
    <p>to continue to ${html(client)}. Any name and any password will do.</p>
    <form method="post" action="${html(action)}">
      <label>Name <input id="login" name="login" value="${html(login)}" required
        autocomplete="username" autofocus></label>
      <label>Password <input id="password" name="password" type="password"
        autocomplete="current-password"></label>
      <button type="submit">Sign in</button>
      <a id="cancel" href="${html(cancel)}">Cancel</a>
    </form>`,
  );
}

/**
 * @param {string} form oidc-provider's own form, to be sent with `logout=yes`
 * @returns {string} a page that confirms by itself; the button is for browsers without script
 */
export function logoutPage(form) {
  return page(
    "Signing out",
    `<h1>Signing out</h1><p>One moment.</p>${form}
    <input type="hidden" name="logout" value="yes" form="op.logoutForm">
    <noscript><button type="submit" form="op.logoutForm">Sign out</button></noscript>
    <script>document.getElementById("op.logoutForm").submit()</script>`,
  );
}

/** @returns {string} where a sign-out without a return address ends */
export function signedOutPage() {
  return page("Signed out", "<h1>Signed out</h1><p>You can close this page.</p>");
}

/**
 * @param {string} code
 * @param {string} [description]
 * @returns {string}
 */
export function errorPage(code, description = "") {
  return page("Sign-in problem", `<h1>${html(code)}</h1><p>${html(description)}</p>`);
}

/**
 * @param {string} title
 * @param {string} body HTML
 */
function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="icon" href="data:,">
  <title>${title}</title>
  <style>${STYLE}</style>
</head>
<body><main>${body}</main></body>
</html>`;
}

/** @param {string} text */
function html(text) {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
