// @ts-check
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // The page is one script and one style sheet: nothing is left to load ahead.
    modulePreload: false,
    // Files, not data: URLs, so that the page's policy says what it loads.
    assetsInlineLimit: 0,
  },
});
