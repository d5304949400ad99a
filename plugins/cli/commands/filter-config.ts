/** `ipe filter-config`: what Envoy and Istio hand to the filter. */
import { loadVersion } from "../bundles.ts";
import { EXIT_SUCCESS, Failure } from "../exit.ts";
import type { Output } from "../output.ts";

export interface FilterConfigOptions {
  readonly bundle: string;
  readonly allowBody?: boolean;
}

/** Print the JSON that goes into Envoy's StringValue or Istio's pluginConfig. */
export function filterConfigCommand(options: FilterConfigOptions, output: Output): number {
  const { bundle, engine } = loadVersion(options.bundle, output);
  if (engine.readsBody && options.allowBody !== true) {
    throw new Failure(
      "the bundle reads the request body, and without `allow_on_headers_stop_iteration: true` in Envoy's PluginConfig the filter would hang requests\nset it there, then add --allow-body (Istio's WasmPlugin cannot set it: use ext_authz there)",
    );
  }
  output.result(filterConfiguration(bundle, options.allowBody === true));
  return EXIT_SUCCESS;
}

/** The JSON itself. `allowBody`: Envoy's PluginConfig sets `allow_on_headers_stop_iteration`. */
export function filterConfiguration(bundle: Uint8Array, allowBody: boolean): string {
  return JSON.stringify({
    bundle: Buffer.from(bundle).toString("base64"),
    ...(allowBody ? { allow_on_headers_stop_iteration: true } : {}),
  });
}
