/** Session templates: stored configuration of interactive sessions. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../../cloud";
import type { Hook, JsonObject, ResourceType } from "../../service";
import { badRequest } from "../../contract/validate";
import type { Violation } from "../../contract/validate-schema";
import { environmentProblems, labelProblems, runtimeProblems, text } from "./workload-rules";

const SERVER_SET = ["name", "uuid", "creator", "createTime", "updateTime"];
const KINDS = ["jupyterSession", "sparkConnectSession"];

const check: Hook = ({ next, call, cloud }) => {
  const violations = problems(next, cloud);
  const parent = text(next.name).split("/sessionTemplates/")[0];
  if (call.path.parent !== undefined && parent !== call.path.parent) {
    violations.push({
      field: "session_template.name",
      description: `Invalid name '${text(next.name)}': expected ${call.path.parent}/sessionTemplates/<id>.`,
    });
  }
  if (violations.length > 0) throw badRequest(violations);
};

export const sessionTemplates: ResourceType = {
  collection: "dataproc.projects.locations.sessionTemplates",
  schema: "SessionTemplate",
  listField: "sessionTemplates",
  name: "projects/{project}/locations/{location}/sessionTemplates/{id}",
  id: { bodyName: true },
  idPattern: /^[a-z0-9][a-z0-9-]{2,61}[a-z0-9]$/,
  required: ["name"],
  immutable: ["name"],
  serverSet: { uuid: () => randomUUID(), creator: ({ call }) => call.principal.email },
  before: {
    create: check,
    // The API has no update mask: the body is the whole template, what it leaves out is removed.
    patch: (change) => {
      for (const field of Object.keys(change.next)) {
        if (!SERVER_SET.includes(field) && !(field in change.call.body)) delete change.next[field];
      }
      return check(change);
    },
  },
  source:
    "google/cloud/dataproc/v1/session_templates.proto; ttl and idleTtl default in the session, not in its template",
};

/** Spark Connect needs a later runtime than this machine runs; its templates are kept, no session is started of them. */
const CONNECT_RUNTIMES = ["3.0"];
const runtimesOf = ({ sparkConnectSession, jupyterSession }: JsonObject, { engines }: Cloud) =>
  sparkConnectSession && !jupyterSession ? CONNECT_RUNTIMES : engines.spark.runtimes;

function problems(template: JsonObject, cloud: Cloud): Violation[] {
  const kinds = KINDS.filter((kind) => template[kind] !== undefined && template[kind] !== null);
  const found: Violation[] = [
    ...runtimeProblems(template, "session_template", cloud.engines, runtimesOf(template, cloud)),
    ...environmentProblems(template, "session_template", "session"),
    ...labelProblems(template, "session_template"),
  ];
  if (kinds.length !== 1) {
    const got = kinds.length === 0 ? "none" : kinds.join(", ");
    found.push({
      field: "session_template.session_config",
      description: `Exactly one session configuration must be set: got ${got}; expected one of ${KINDS.join(", ")}.`,
    });
  }
  return found;
}
