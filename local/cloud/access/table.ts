/**
 * What a method asks of who calls it. A table has one row per collection of Google's description:
 * `"dataproc.projects.locations.batches": "dataproc.batches: create get list delete"`. A verb asks for the permission of
 * its own name after the row's prefix; `patch=update` asks for another, `copy=get+create` for several, `get=` for none
 * beyond a valid credential, and `sign=*` says that the behaviour decides itself. A name with dots is a whole permission.
 */
import type { Cloud } from "../cloud";
import type { Call } from "../service";

export interface AccessTable {
  /** Google's page that the rows are from. */
  source: string;
  rows: Readonly<Record<string, string>>;
}

export interface AccessRule {
  permissions: readonly string[];
}

/** What an API asks for beyond its rows, and of which resource, where the call's names do not tell. */
export interface Guard {
  /** Undefined: nothing is asked (a bucket that is not there is 404 to everyone). */
  resource: (permission: string, call: Call, cloud: Cloud) => Promise<string | undefined> | string | undefined;
  /** Permissions that depend on what is there. */
  more?: (call: Call, cloud: Cloud) => Promise<readonly string[]>;
}

/** Why a method asks for no permission before its behaviour. */
export const DECIDES_ITSELF = "*";

/** Rules by method id; a row whose collection begins with `*.` is for all collections of the API that end so. */
export function readTable(table: AccessTable): (methodId: string) => AccessRule | undefined {
  const rows = new Map(Object.entries(table.rows).map(([collection, row]) => [collection, readRow(collection, row)]));
  return (methodId) => {
    const cut = methodId.lastIndexOf(".");
    const [collection, verb] = [methodId.slice(0, cut), methodId.slice(cut + 1)];
    const own = rows.get(collection)?.get(verb);
    return own ?? rows.get(`*.${collection.slice(collection.lastIndexOf(".") + 1)}`)?.get(verb);
  };
}

function readRow(collection: string, row: string): Map<string, AccessRule> {
  const [prefix = "", verbs] = row.split(": ");
  if (verbs === undefined) throw new Error(`access of ${collection}: got '${row}'; expected '<prefix>: <verb> ...'.`);
  return new Map(
    verbs.split(" ").map((word) => {
      const [verb = "", asked = verb] = word.split("=");
      const names = asked === "" || asked === DECIDES_ITSELF ? [] : asked.split("+");
      return [verb, { permissions: names.map((name) => (name.includes(".") ? name : `${prefix}.${name}`)) }];
    }),
  );
}
