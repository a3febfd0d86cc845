// The few things that the page does with elements. No HTML from strings: Trusted Types forbid it.

/** The element with this id, which the page must have. */
export function byId<E extends Element>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

export function setText(id: string, text: string): void {
  const element = byId(id, HTMLElement);
  if (element.textContent !== text) element.textContent = text;
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Runs `perform` at each click, not twice at a time. */
export function onClick(id: string, perform: () => unknown): void {
  const button = byId(id, HTMLButtonElement);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      await perform();
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}
