export { type Fields, type Link, START } from "./chain.ts";
export { AuditFile } from "./file.ts";
export { type Walked, walkFile } from "./walk.ts";
