/** For tests of services that deliver: grants, and a target at an address of its own that answers as it is told. */
import { buffer } from "node:stream/consumers";
import type { JsonObject, Principal, Service } from "../../service";
import type { TestCloud } from "../../testing";

export async function setPolicyMember(lab: TestCloud, url: string, role: string, member: string): Promise<void> {
  await lab.rest(`POST ${url}:setIamPolicy`, { policy: { bindings: [{ role, members: [member] }] } });
}

export interface Visit {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Claims of the identity token that it came with. */
  claims: JsonObject;
}

export const TARGET = "https://target.run.app";
const NOBODY: Principal = { kind: "anonymous", email: "anonymous", via: "none" };

/**
 * A service at TARGET that keeps who called it and answers the next of `statuses`, 200 when there are none left.
 * @param held resolves when it may answer
 */
export function target(
  visits: Visit[],
  statuses: number[],
  visited: () => void,
  held: () => Promise<unknown> = () => Promise.resolve(),
): Service {
  return {
    ...{ apis: [], types: [], methods: {} },
    addresses: {
      serves: (host) => host === new URL(TARGET).host,
      http: async (_host, { request, response }) => {
        const body = (await buffer(request)).toString();
        const claims = /^Bearer [^.]+\.([^.]+)\./.exec(request.headers.authorization ?? "")?.[1];
        const read = claims ? (JSON.parse(Buffer.from(claims, "base64url").toString()) as JsonObject) : {};
        visits.push({ path: request.url ?? "", headers: request.headers, body, claims: read });
        await held();
        response.writeHead(statuses.shift() ?? 200).end();
        visited();
        return { method: "target", principal: NOBODY };
      },
    },
  };
}
