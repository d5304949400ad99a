export { isDigest, type SignedMark, type StoredBundle } from "./contents.ts";
export { BundleStore, type NewBundle, type StoreOptions } from "./store.ts";
