/** What a request for a session must be, template included: checked as a whole before anything is stored. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { badRequest } from "../../contract/validate";
import type { Violation } from "../../contract/validate-schema";
import type { Call, JsonObject } from "../../service";
import { checkReferences, requestIdProblems } from "./batch-checks";
import { withTemplate } from "./session-record";
import { environmentProblems, isSet, labelProblems, objectAt, runtimeProblems, text } from "./workload-rules";

const KINDS = ["jupyterSession", "sparkConnectSession"];
const OUTPUT_ONLY = [
  ...["name", "uuid", "createTime", "runtimeInfo", "state", "stateMessage", "stateTime", "creator", "stateHistory"],
];

/** The session's whole configuration. Throws INVALID_ARGUMENT with every problem of the request. */
export async function sessionConfig(call: Call, cloud: Cloud): Promise<JsonObject> {
  const sent = Object.fromEntries(Object.entries(call.body).filter(([key]) => !OUTPUT_ONLY.includes(key)));
  const config = withTemplate(sent, await templateOf(sent, call, cloud));
  const violations = [...idProblems(call), ...kindProblems(config), ...configProblems(config, cloud)];
  if (violations.length > 0) throw badRequest(violations);
  if (isSet(config.sparkConnectSession))
    throw new ApiError(
      "UNIMPLEMENTED",
      "Spark Connect sessions are not run here: they need runtime 3.0; expected jupyterSession.",
    );
  const missing = cloud.engines.sessions.problem();
  if (missing !== undefined) throw new ApiError("FAILED_PRECONDITION", missing);
  await checkReferences(config, call, cloud);
  return config;
}

/** By its full name, or by its id in the session's own place. */
async function templateOf(sent: JsonObject, call: Call, cloud: Cloud): Promise<JsonObject | undefined> {
  if (!isSet(sent.sessionTemplate)) return undefined;
  const given = text(sent.sessionTemplate);
  const place = `${text(call.path.parent)}/sessionTemplates/`;
  const name = given.includes("/") ? given : `${place}${given}`;
  if (!name.startsWith(place))
    throw badRequest([
      {
        field: "session.session_template",
        description: `Got '${given}'; expected ${place}<id>: a template of the session's own project and region.`,
      },
    ]);
  const methodId = "dataproc.projects.locations.sessionTemplates.get";
  return (await cloud.call({ methodId, path: { name } }, call.principal)) as JsonObject;
}

function configProblems(config: JsonObject, cloud: Cloud): Violation[] {
  // Connect sessions are refused for what they are, not for their runtime.
  const runtime = isSet(config.sparkConnectSession) ? [] : runtimeProblems(config, "session", cloud.engines);
  return [...runtime, ...environmentProblems(config, "session", "session"), ...labelProblems(config, "session")];
}

function idProblems({ query }: Call): Violation[] {
  const id = text(query.sessionId);
  const problem = /^[a-z]([a-z0-9-]{2,61}[a-z0-9])$/.test(id)
    ? []
    : [
        {
          field: "session_id",
          description: `Invalid session id '${id}': expected 4-63 characters of a-z, 0-9 and '-', beginning with a letter and not ending with '-'.`,
        },
      ];
  return [...problem, ...requestIdProblems(query)];
}

function kindProblems(config: JsonObject): Violation[] {
  const kinds = KINDS.filter((kind) => isSet(config[kind]));
  const report = (field: string, description: string) => [{ field: `session.${field}`, description }];
  if (kinds.length !== 1)
    return report(
      "session_config",
      `Exactly one session configuration must be set: got ${kinds.join(", ") || "none"}; expected one of ${KINDS.join(", ")}, in the session or its template.`,
    );
  const { kernel } = objectAt(config, "jupyterSession");
  return isSet(kernel) && kernel !== "PYTHON" && kernel !== "KERNEL_UNSPECIFIED"
    ? report("jupyter_session.kernel", `Got ${text(kernel)}; kernels that run here: PYTHON.`)
    : [];
}
