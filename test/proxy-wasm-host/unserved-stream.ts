import { concatBytes, toBytes } from "./bytes.ts";
import { type HeaderLine, HeaderMap, joinedRequestHeaders } from "./header-map.ts";
import { type Outcome, vmFailed } from "./outcome.ts";
import type { Stream } from "./stream.ts";
import type { VmFailure } from "./vm.ts";

/** A request that no filter sees: the VM had failed before it came. It is refused, or passes unseen. */
export class UnservedStream implements Stream {
  readonly filterState = new Map<string, Uint8Array>();
  readonly hostCalls = {};
  #mode: "refuse" | "pass";
  #failure: VmFailure | undefined;
  #headers: HeaderMap | undefined;
  #body: Uint8Array[] = [];

  constructor(mode: "refuse" | "pass", failure: VmFailure | undefined) {
    this.#mode = mode;
    this.#failure = failure;
  }

  get reachedUpstream(): boolean {
    return this.outcome.kind === "continue";
  }

  get headers(): HeaderMap {
    return this.#headers ?? new HeaderMap();
  }

  get outcome(): Outcome {
    if (!this.#headers) return { kind: "waiting" };
    if (this.#mode === "refuse") return vmFailed(this.#failure);
    const requestBody = concatBytes(this.#body);
    return { kind: "continue", requestHeaders: this.#headers.lines(), requestBody, skipped: true };
  }

  requestHeaders(lines: Iterable<HeaderLine>): Outcome {
    this.#headers = new HeaderMap(lines, joinedRequestHeaders);
    return this.outcome;
  }

  requestBody(chunk: string | Uint8Array): Outcome {
    this.#body.push(toBytes(chunk));
    return this.outcome;
  }

  responseHeaders(lines: Iterable<HeaderLine>): readonly [name: string, value: string][] {
    return new HeaderMap(lines).lines();
  }

  finish(): void {}
}
