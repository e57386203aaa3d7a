/** A store that keeps in memory what is read below a prefix: policies, which every call asks for and few change. */
import type { Store } from "../cloud";
import type { JsonObject } from "../service";

const MOST = 20_000;

export function remembering(store: Store, prefix: string): Store {
  const known = new Map<string, JsonObject | undefined>();
  // A read that a write overtook is answered but not kept.
  let writes = 0;
  const forget = (keys: readonly string[]) => {
    writes += 1;
    for (const key of keys) known.delete(key);
  };
  return {
    ...store,
    get: async (key) => {
      if (!key.startsWith(prefix)) return store.get(key);
      if (known.has(key)) return known.get(key);
      const before = writes;
      const value = await store.get(key);
      if (before !== writes) return value;
      if (known.size >= MOST) known.clear();
      known.set(key, value);
      return value;
    },
    write: async (changes) => {
      const keys = [...Object.keys(changes.put ?? {}), ...(changes.delete ?? [])].filter((key) =>
        key.startsWith(prefix),
      );
      if (keys.length === 0) return store.write(changes);
      forget(keys);
      try {
        await store.write(changes);
      } finally {
        // A write that was answered as failed may be there all the same once the state was opened anew.
        forget(keys);
      }
    },
  };
}
