/** Addresses and networks of policy text as plain bytes, v4 apart from v6. */
import { parseAddress, parseNetwork } from "../../core/source/address.ts";
import type { Address } from "./values.ts";

/** The address or network that a checked literal spells. */
export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address !== null) return narrowed([...address], 128);
  const network = parseNetwork(text);
  if ("error" in network) throw new Error(`\`${text}\` is no address: ${network.error}`);
  return narrowed([...network.bytes], network.prefix);
}

/** A v4-mapped address of 16 bytes is the v4 address of its last four. */
function narrowed(bytes: readonly number[], prefix: number): Address {
  const mapped =
    prefix >= 96 &&
    bytes.slice(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff;
  return mapped ? { bytes: bytes.slice(12), prefix: prefix - 96 } : { bytes, prefix };
}
