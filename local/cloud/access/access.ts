/**
 * Decides whether a principal has a permission on a resource: by the bindings on it, on its parents and on the project,
 * by what a service keeps of its own (access lists of data sets), and by the roles of Google's service agents. Each
 * distinct decision is told once, for the log of accesses.
 */
import type { Access, Ask, Binding, Policies } from "../cloud";
import { denied } from "./denials";

/** One line of the log of accesses. */
export interface Decision {
  principal: string;
  permission: string;
  resource: string;
  method: string;
  granted: boolean;
}

export interface AccessParts {
  policies: Pick<Policies, "permitted">;
  /** Bindings in force on a resource that are in no IAM policy. */
  bindingsOf: (resource: string) => Promise<readonly Binding[]>;
  record?: (decision: Decision) => void;
}

/** Decisions beyond this are told again: a bound on memory. */
const REMEMBERED = 50_000;

export function createAccess({ policies, bindingsOf, record }: AccessParts): Access {
  const told = new Set<string>();
  const tell = ({ principal, permission, resource, method }: Ask, granted: boolean) => {
    const key = `${principal.email} ${permission} ${resource} ${method} ${granted}`;
    if (told.has(key)) return;
    if (told.size >= REMEMBERED) told.clear();
    told.add(key);
    record?.({ principal: principal.email, permission, resource, method, granted });
  };
  const permits = async (ask: Ask) => {
    const more = await bindingsOf(ask.resource);
    const [found] = await policies.permitted(ask.principal, [ask.permission], ask.resource, more);
    tell(ask, found !== undefined);
    return found !== undefined;
  };
  return {
    permits,
    require: async (ask) => {
      if (!(await permits(ask))) throw denied(ask);
    },
  };
}
