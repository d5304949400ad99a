import { MetricType, Status } from "./status.ts";

/** Metrics by name, as the proxy's statistics keep them: one value for all VMs. */
export class MetricStore {
  readonly counters = new Map<string, bigint>();
  readonly gauges = new Map<string, bigint>();
  /** Every recorded value, in order. */
  readonly histograms = new Map<string, bigint[]>();
}

/**
 * The ids one VM holds. Defining a name again gives another id of the same metric.
 *
 * Source: Envoy, `source/extensions/common/wasm/context.cc` (`defineMetric` and the three after it);
 * proxy-wasm-cpp-host, `include/proxy-wasm/wasm.h` (`kMetricTypeMask`, `kMetricIdIncrement`).
 */
export class MetricIds {
  #store: MetricStore;
  #names = new Map<number, string>();
  #last = [0, 1, 2];

  constructor(store: MetricStore) {
    this.#store = store;
  }

  define(type: number, name: string): number | undefined {
    const last = this.#last[type];
    if (last === undefined) return undefined;
    const id = last + 4;
    this.#last[type] = id;
    this.#names.set(id, name);
    const values: Map<string, bigint | bigint[]> = this.#valuesOf(type);
    if (!values.has(name)) values.set(name, type === MetricType.Histogram ? [] : 0n);
    return id;
  }

  increment(id: number, offset: bigint): Status {
    const name = this.#names.get(id);
    switch (id & 3) {
      case MetricType.Counter:
        if (name === undefined) return Status.NotFound;
        if (offset <= 0n) return Status.BadArgument;
        add(this.#store.counters, name, offset);
        return Status.Ok;
      case MetricType.Gauge:
        if (name === undefined) return Status.NotFound;
        add(this.#store.gauges, name, offset);
        return Status.Ok;
      default:
        return Status.BadArgument;
    }
  }

  /** On a counter it adds. */
  record(id: number, value: bigint): Status {
    const name = this.#names.get(id);
    if (name === undefined) return Status.NotFound;
    if ((id & 3) === MetricType.Counter) add(this.#store.counters, name, value);
    else if ((id & 3) === MetricType.Gauge) this.#store.gauges.set(name, value);
    else this.#store.histograms.get(name)?.push(value);
    return Status.Ok;
  }

  get(id: number): bigint | Status {
    const values = (id & 3) === MetricType.Counter ? this.#store.counters : this.#store.gauges;
    if ((id & 3) > MetricType.Gauge) return Status.BadArgument;
    return values.get(this.#names.get(id) ?? "") ?? Status.NotFound;
  }

  #valuesOf(type: number): Map<string, bigint | bigint[]> {
    if (type === MetricType.Counter) return this.#store.counters as Map<string, bigint | bigint[]>;
    if (type === MetricType.Gauge) return this.#store.gauges as Map<string, bigint | bigint[]>;
    return this.#store.histograms as Map<string, bigint | bigint[]>;
  }
}

function add(values: Map<string, bigint>, name: string, offset: bigint): void {
  values.set(name, BigInt.asUintN(64, (values.get(name) ?? 0n) + offset));
}
