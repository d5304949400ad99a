/**
 * Root contexts and their bundles. Several live in one VM: an update adds a second one while the first still serves.
 * INVARIANT: what a root owns is freed when it is deleted, and when it gets another bundle.
 */
import { allocateBlock, freeBlock } from "../host/memory";
import { Bundle } from "../vm/bundle";
import { freeBundle } from "../vm/load-bundle";

// @ts-ignore: decorator
@unmanaged
export class Root {
  id: u32;
  bundle: Bundle;
  next: Root | null;
}

let first: Root | null = null;

/** The bundle in force for a root context, or null. */
export function bundleOf(id: u32): Bundle | null {
  const root = findRoot(id);
  return root === null ? null : root.bundle;
}

/** Put a bundle into force. False when memory is exhausted: the one before stays, and the caller still owns this one. */
export function setBundle(id: u32, bundle: Bundle): bool {
  const known = findRoot(id);
  if (known !== null) {
    freeBundle(known.bundle);
    known.bundle = bundle;
    return true;
  }
  const at = allocateBlock(offsetof<Root>());
  if (at == 0) return false;
  const root = changetype<Root>(at);
  root.id = id;
  root.bundle = bundle;
  root.next = first;
  first = root;
  return true;
}

/** Forget a root context, if it is one. */
export function deleteRoot(id: u32): void {
  const gone = findRoot(id);
  if (gone === null) return;
  if (first === gone) first = gone.next;
  let root = first;
  while (root !== null) {
    if (root.next === gone) root.next = gone.next;
    root = root.next;
  }
  freeBundle(gone.bundle);
  freeBlock(changetype<usize>(gone));
}

/** There are few: one for each configuration in use. */
function findRoot(id: u32): Root | null {
  let root = first;
  while (root !== null && root.id != id) root = root.next;
  return root;
}
