/** `ipe filter-config`: what Envoy and Istio hand to the filter. */
import { type ByteSource, FILTER_BUNDLE_BYTES_MAX, missingAt, type Program } from "../../../core/index.ts";
import { loadVersion, signatureBeside } from "../bundles.ts";
import { EXIT_SUCCESS, Failure } from "../exit.ts";
import { nameOf, readKeys } from "../in-force/trust-options.ts";
import type { Output } from "../output.ts";

export interface FilterConfigOptions {
  readonly bundle: string;
  readonly allowBody?: boolean;
  /** Files of public keys: the filter is to take nothing else than what they signed. */
  readonly trust?: readonly string[];
  readonly audience?: string;
  readonly bundleName?: string;
}

/** Members of the configuration with which the filter checks signatures (docs/trust.md). */
export interface FilterTrust {
  /** SubjectPublicKeyInfo as DER, in base64. */
  readonly trusted_keys: readonly string[];
  readonly audience: string;
  readonly bundle_name: string;
  readonly statement: string;
}

/** Print the JSON that goes into Envoy's StringValue or Istio's pluginConfig; warn if the filter will refuse it. */
export function filterConfigCommand(options: FilterConfigOptions, output: Output): number {
  const { bundle, engine } = loadVersion(options.bundle, output);
  const allowBody = options.allowBody === true;
  for (const objection of filterObjections(engine.program, allowBody))
    output.message(
      `${output.paint("message", "warning", "warning:")} the filter refuses this configuration: ${objection}`,
    );
  output.result(filterConfiguration(bundle, allowBody, filterTrust(options)));
  return EXIT_SUCCESS;
}

/** The JSON itself. `allowBody`: Envoy's PluginConfig sets `allow_on_headers_stop_iteration`. */
export function filterConfiguration(
  bundle: ByteSource,
  allowBody: boolean,
  trust: FilterTrust | null = null,
): string {
  // In base64 larger ones outgrow a string, too.
  if (bundle.length > FILTER_BUNDLE_BYTES_MAX)
    throw new Failure(
      `the bundle has ${bundle.length} bytes, the filter takes ${FILTER_BUNDLE_BYTES_MAX}; serve it with \`ipe serve\``,
    );
  return JSON.stringify({
    bundle: Buffer.from(bundle.read(0, bundle.length)).toString("base64"),
    ...(allowBody ? { allow_on_headers_stop_iteration: true } : {}),
    ...trust,
  });
}

/** Null where nobody asks for signatures. */
function filterTrust({ bundle, trust, audience, bundleName }: FilterConfigOptions): FilterTrust | null {
  if (trust === undefined) {
    if (audience !== undefined || bundleName !== undefined)
      throw new Failure("--audience and --bundle-name belong to --trust FILE, the keys of those who sign");
    return null;
  }
  if (audience === undefined)
    throw new Failure("--trust needs --audience NAME, for whom the bundle is signed");
  const statement = signatureBeside(bundle).text;
  if (statement === null) throw new Failure(`there is no \`${bundle}.sig\`; ipe sign writes it`);
  return {
    trusted_keys: trust.flatMap(readKeys).map(({ spki }) => spki.toString("base64")),
    ...{ audience, bundle_name: bundleName ?? nameOf(bundle), statement },
  };
}

/** Why the filter refuses a bundle in Envoy, in its own meaning; empty if it takes it. */
export function filterObjections(program: Program, allowBody: boolean): string[] {
  const objections = program.slots
    .filter((slot) => slot.read)
    .flatMap((slot) => {
      const reason = missingAt("envoy-wasm", slot);
      return reason === null ? [] : [`the bundle reads \`${slot.name}\`, and ${reason}`];
    });
  if (program.readsBody && !allowBody)
    objections.push(
      "the bundle reads the request body; set `allow_on_headers_stop_iteration: true` in Envoy's PluginConfig and add --allow-body (Istio's WasmPlugin cannot set it: use ext_authz there)",
    );
  return objections;
}
