/** Puts the parts of the cloud together: state, operations, policies, principals, services and the API surface. */
import { join } from "node:path";
import type { DoorSettings, Engines } from "../engines/interface";
import { createAccess, type Decision } from "./access/access";
import { createApi, type KernelApi } from "./api";
import type { Cloud, Principals } from "./cloud";
import { createOperations } from "./engine/operations";
import { remembering } from "./engine/remembered";
import { createPolicies, policyKey } from "./engine/policies";
import { OPERATOR } from "./door/principals";
import type { Service } from "./service";
import { agentBindings } from "./services/agent-roles";
import { openStore } from "./engine/store";

/** The one project of a lab. The number is fixed: it is in names that other parts derive. */
export const PROJECT = { id: "sparklab-local", number: "100000000001" } as const;

export interface CloudParts {
  /** `<lab>/cloud`. */
  folder: string;
  project?: Cloud["project"];
  services: readonly Service[];
  engines: Engines;
  /** Resolves once the door is open. */
  door: Promise<DoorSettings>;
  /** Folder with Google's API descriptions. */
  descriptions: string;
  /** Makes the principals once the state is open. */
  principals: (parts: Pick<Cloud, "store" | "project" | "now" | "log">) => Principals;
  log: Cloud["log"];
  now?: () => Date;
  /** Told of every distinct decision about a permission. */
  onDecision?: (decision: Decision) => void;
}

export interface ComposedCloud {
  cloud: Cloud;
  api: KernelApi;
  /** Lets every service bring back or fail what a dead process left half done; call before the door opens. */
  recover: () => Promise<void>;
  /** Stops the services in reverse order, then closes the state. */
  close: () => Promise<void>;
}

export async function composeCloud(parts: CloudParts): Promise<ComposedCloud> {
  const { folder, project = PROJECT, services, engines, door, descriptions, log, now = () => new Date() } = parts;
  const store = remembering(await openStore(join(folder, "store")), policyKey(""));
  const policies = createPolicies({ store, project, operator: OPERATOR.email });
  const [agents, keepers] = [agentBindings(project.number), services.filter(({ bindings }) => bindings)];
  const bindingsOf = async (resource: string) => {
    const own = await Promise.all(keepers.map((service) => service.bindings!(resource, cloud)));
    return [...agents, ...own.flat()];
  };
  const cloud: Cloud = {
    ...{ project, folder, descriptions, store, engines, door, now, log },
    operations: createOperations(store),
    policies,
    access: createAccess({ policies, bindingsOf, record: parts.onDecision }),
    principals: parts.principals({ store, project, now, log }),
    call: (request, principal) => api.call(request, principal),
  };
  const api = createApi({ services, cloud, descriptions });
  return {
    cloud,
    api,
    recover: async () => {
      for (const service of services) await service.recover?.(cloud);
    },
    close: async () => {
      for (const service of [...services].reverse()) await service.close?.(cloud);
      await store.close();
    },
  };
}
