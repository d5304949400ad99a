import {
  abiMarker,
  allocatorNames,
  allocatorType,
  callbackTypes,
  functionType,
  hostFunctionTypes,
  olderHostFunctions,
  startTypes,
} from "./abi.ts";
import { type FunctionType, type ImportedItem, type ModuleShape, printFunctionType } from "./module-shape.ts";

/** The module was refused before it served anything, as the proxy refuses it. */
export class LoadError extends Error {
  override name = "LoadError";
}

/**
 * What the proxy checks before it runs a module. Throws `LoadError` with every complaint, one a line.
 *
 * Source: proxy-wasm-cpp-host: `src/bytecode_util.cc` (marker), `src/v8/v8.cc` `link()` ("missing import", "import type
 * mismatch", imported globals) and `getModuleFunctionImpl` ("Bad function signature for"), `src/wasm.cc` `getFunctions`
 * ("missing malloc function"). The proxy stops at the first complaint; all of them are more useful to a test.
 */
export function checkModule(shape: ModuleShape): void {
  const complaints: string[] = [];
  if (!shape.functions.has(abiMarker)) {
    complaints.push(`missing or unknown Proxy-Wasm ABI version: no export \`${abiMarker}\``);
  }
  for (const item of shape.imports) complaints.push(...checkImport(item));
  for (const [name, written] of Object.entries({ ...callbackTypes, ...startTypes })) {
    if (name === "main" && !shape.functions.has("_initialize")) continue;
    complaints.push(...checkExport(shape, name, functionType(written)));
  }
  const allocator = allocatorNames.find((name) => shape.functions.has(name));
  if (!allocator)
    complaints.push("module is missing malloc function: export `malloc` or `proxy_on_memory_allocate`");
  else complaints.push(...checkExport(shape, allocator, functionType(allocatorType)));
  if (!shape.exportsMemory) complaints.push("missing export: memory");
  if (complaints.length > 0) throw new LoadError(complaints.join("\n"));
}

function checkImport(item: ImportedItem): string[] {
  const name = `${item.module}.${item.name}`;
  if (item.kind === "memory") return [];
  if (item.kind !== "function" || !item.type) return [`unsupported import: ${item.kind} \`${name}\``];
  if (item.module.startsWith("wasi_")) return [`import \`${name}\`: this host does not model WASI`];
  if (item.module === "env" && olderHostFunctions.has(item.name)) {
    return [`missing import: ${name} (it exists for ABI 0.1.0 only)`];
  }
  if (item.module !== "env" || !Object.hasOwn(hostFunctionTypes, item.name))
    return [`missing import: ${name}`];
  const offered = functionType(hostFunctionTypes[item.name as keyof typeof hostFunctionTypes]);
  if (sameType(offered, item.type)) return [];
  return [
    `import type mismatch: ${name}, want: ${printFunctionType(item.type)}, host has: ${printFunctionType(offered)}`,
  ];
}

function checkExport(shape: ModuleShape, name: string, wanted: FunctionType): string[] {
  const found = shape.functions.get(name);
  if (!found || sameType(found, wanted)) return [];
  return [
    `bad function signature for: ${name}, want: ${printFunctionType(wanted)}, module has: ${printFunctionType(found)}`,
  ];
}

function sameType(left: FunctionType, right: FunctionType): boolean {
  return printFunctionType(left) === printFunctionType(right);
}
