/** Which old resource belongs to which registration of a run: by its URN, or by an alias, and to one only. */
import { DeployError } from "./errors";
import type { Entry, Snapshot } from "./snapshot";

export class Claims {
  /** Keys of old resources that a registration of this run has taken. */
  readonly keys = new Set<number>();
  private readonly oldKeys = new Map<string, number>();
  private readonly aliases = new Map<string, string>();

  constructor(private readonly snapshot: Snapshot) {
    for (const [key, state] of snapshot.resources) if (!state.delete) this.oldKeys.set(state.urn, key);
  }

  /** @param urns the resource's own URN first, then those that it may have had. */
  claim(urns: readonly [string, ...string[]]): Entry | undefined {
    for (const urn of urns) {
      const key = this.oldKeys.get(urn);
      if (key === undefined) continue;
      // Whoever took it may have put its own state in its place already.
      if (this.keys.has(key))
        throw new DeployError(
          `${urns[0]}: alias ${urn} belongs to another resource of this program. Remove one of the two aliases.`,
        );
      const state = this.snapshot.resources.get(key);
      if (!state) continue;
      this.keys.add(key);
      if (urn !== urns[0]) this.aliases.set(urns[0], urn);
      return { key, state };
    }
    return undefined;
  }

  /** The URN under which a resource of this run was found, where it was another. */
  usedAlias(urn: string): string | undefined {
    return this.aliases.get(urn);
  }
}
