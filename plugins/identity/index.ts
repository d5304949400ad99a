export { isSpiffeId } from "./client-certificate.ts";
export type { IdentityConfig } from "./config.ts";
export { type IdentityFile, readIdentityFile } from "./config-file.ts";
export { createIdentities, type Identities, type IdentityDoor, type IdentityOptions } from "./identity.ts";
export type { NamedFiles } from "./issuer-file.ts";
