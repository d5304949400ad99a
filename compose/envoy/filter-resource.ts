/**
 * The wasm filter as a resource of Envoy's extension configuration discovery (ECDS), delivered by file.
 *
 * By ECDS rather than in the listener, because an open connection sees a new filter on its next request; after a change
 * of a listener it would keep the old one until it is drained.
 */

import { createHash, randomBytes } from "node:crypto";
import { access, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The default name of the HTTP filter, of the resource and of the plugin; also the default root id. */
export const FILTER_NAME = "ipe";
export const WASM_TYPE = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/** The watched file inside the folder. */
export const EXTENSION_FILE = "extension.json";

const MODULES = "modules";
const TYPED_EXTENSION = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

export interface FilterResource {
  /** The module, or the path of its file. It is copied into the folder. */
  readonly wasm: Uint8Array | string;
  /** What the filter reads in `proxy_on_configure`. Text becomes a StringValue, bytes a BytesValue. */
  readonly configuration: string | Uint8Array;
  /** The same as `filterName` of the listener. Default `ipe`. */
  readonly name?: string;
  /** Default `ipe`. */
  readonly rootId?: string;
  /**
   * Whether the filter may hold the headers back while it reads the body. Default true. Without it a filter that waits
   * for the body hangs every request that has one.
   */
  readonly allowOnHeadersStopIteration?: boolean;
  /** What happens to requests after the filter has trapped. Default `FAIL_CLOSED`: 503. */
  readonly failurePolicy?: "FAIL_CLOSED" | "FAIL_RELOAD";
}

/**
 * Deliver a filter, or replace it, by one atomic rename. Same module and new configuration keep Envoy's VMs. Resolves
 * when the file is in place to the version written; wait for `filterStat("update_success")` to know that Envoy took it.
 * INVARIANT: the file of a module is named by its digest, since Envoy ignores a resource that reads the same as before.
 */
export async function writeFilterResource(folder: string, resource: FilterResource): Promise<string> {
  const filename = await storeModule(folder, resource.wasm);
  const extension = toExtension(resource, filename);
  const text = JSON.stringify(extension);
  // The time makes the version differ from every earlier one, so that an identical resource is delivered once more.
  const version = `${createHash("sha256").update(text).digest("hex").slice(0, 16)}-${Date.now()}`;
  const discovery = { version_info: version, resources: [extension] };
  await replaceFile(join(folder, EXTENSION_FILE), JSON.stringify(discovery, null, 2));
  return version;
}

/**
 * The name of a statistic of a filter's delivery. `update_success` counts accepted resources; `update_rejected` those
 * that Envoy or the filter's own configure function refused, after which the old filter goes on. Workers follow an
 * accepted one within milliseconds. (`config_reload` counts both.)
 */
export function filterStat(
  counter: "update_success" | "update_rejected",
  name: string = FILTER_NAME,
): string {
  return `extension_config_discovery.http_filter.${name}.${counter}`;
}

function toExtension(resource: FilterResource, filename: string): object {
  const name = resource.name ?? FILTER_NAME;
  return {
    "@type": TYPED_EXTENSION,
    name,
    typed_config: {
      "@type": WASM_TYPE,
      config: {
        name,
        root_id: resource.rootId ?? FILTER_NAME,
        configuration: wrap(resource.configuration),
        failure_policy: resource.failurePolicy ?? "FAIL_CLOSED",
        allow_on_headers_stop_iteration: resource.allowOnHeadersStopIteration ?? true,
        vm_config: {
          vm_id: name,
          runtime: "envoy.wasm.runtime.v8",
          allow_precompiled: false,
          code: { local: { filename } },
        },
      },
    },
  };
}

function wrap(configuration: string | Uint8Array): object {
  if (typeof configuration === "string") {
    return { "@type": "type.googleapis.com/google.protobuf.StringValue", value: configuration };
  }
  const value = Buffer.from(configuration).toString("base64");
  return { "@type": "type.googleapis.com/google.protobuf.BytesValue", value };
}

/** In a folder of its own: a rename beside the watched file would make Envoy read that file again. */
async function storeModule(folder: string, wasm: Uint8Array | string): Promise<string> {
  const bytes = typeof wasm === "string" ? await readFile(wasm) : wasm;
  const directory = join(folder, MODULES);
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${createHash("sha256").update(bytes).digest("hex")}.wasm`);
  if (!(await exists(path))) await replaceFile(path, bytes);
  return path;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
