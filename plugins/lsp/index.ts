/** A language server for policy text. */
export { type Files, type ServeOptions, serveLanguage } from "./server.ts";
