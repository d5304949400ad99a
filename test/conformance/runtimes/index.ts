/** All runtimes that are compared. */
import { envoyExtAuthz } from "./envoy-ext-authz.ts";
import { envoyWasm } from "./envoy-wasm.ts";
import { interpreter } from "./interpreter.ts";
import { kongMsgpack, kongProtobuf } from "./kong.ts";
import { kongLua } from "./kong-lua.ts";
import { kongNginx } from "./kong-nginx.ts";
import { lua } from "./lua.ts";
import { reference } from "./reference.ts";
import type { Runtime } from "./runtime.ts";
import { wasmFilter } from "./wasm-filter.ts";
import { wasmVm } from "./wasm-vm.ts";

export function runtimes(): readonly Runtime[] {
  return [
    reference,
    interpreter,
    wasmVm,
    wasmFilter,
    lua,
    kongMsgpack,
    kongProtobuf,
    kongLua,
    kongNginx,
    envoyExtAuthz,
    envoyWasm,
  ];
}
