/** Models that the endpoints of a stack serve. Vertex AI deletes no endpoint that has one: they are undeployed first. */
import { googleHttp, type GoogleHttp } from "../local/deploy/gcp/http";
import { cloudEnvironment, type Context } from "./context";
import { readState, resourcesOf } from "./deployment-state";
import { LOCAL_STACK, UserError } from "./lab";

const ENDPOINT = "gcp:vertex/aiEndpoint:AiEndpoint";

/** The endpoint's whole name, and the models that are deployed there. */
export interface Serving {
  endpoint: string;
  models: { id: string; model: string; modelVersionId: string }[];
}

type Where = Pick<Context, "lab" | "environment">;

/** Google's APIs as the clients of a stack reach them. */
export const clientOf = ({ lab, environment }: Where, stack: string): GoogleHttp =>
  googleHttp({ ...environment, ...(stack === LOCAL_STACK ? cloudEnvironment(lab) : {}) });

/** Endpoints of the stack's state that serve at least one model. */
export async function servingOf(where: Where, stack: string): Promise<Serving[]> {
  const endpoints = resourcesOf(await readState(where.lab, stack)).flatMap(({ type, id }) =>
    type === ENDPOINT && id ? [id] : [],
  );
  if (endpoints.length === 0) return [];
  const http = clientOf(where, stack);
  const found = await Promise.all(
    endpoints.map(async (endpoint) => {
      const { deployedModels = [] } = (await http.find(addressOf(endpoint))) ?? {};
      return { endpoint, models: deployedModels as unknown as Serving["models"] };
    }),
  );
  return found.filter(({ models }) => models.length > 0);
}

/** @throws UserError that names the models and the command, where a stack that is to be destroyed still serves */
export async function refuseServing(where: Where, stack: string): Promise<void> {
  const serving = await servingOf(where, stack);
  if (serving.length === 0) return;
  const told = serving.map(
    ({ endpoint, models }) => `${endpoint} serves ${models.map(nameOf).join(", ")}: Vertex AI does not delete it.`,
  );
  throw new UserError(`${told.join("\n")}\nUndeploy first: npx sparklab undeploy${suffix(stack)}`);
}

/** Undeploys one after the other; tells each that is gone. */
export async function undeploy(
  { endpoint, models }: Serving,
  http: GoogleHttp,
  onGone: (model: string) => void,
): Promise<void> {
  const base = addressOf(endpoint);
  const [last, ...others] = models;
  // A model that has a share of the traffic gives it up first, but for the last one, which ends it.
  for (const model of [...others, last!]) {
    const body = { deployedModelId: model.id, trafficSplit: model === last ? {} : { [last!.id]: 100 } };
    const operation = await http.call({ method: "POST", url: `${base}:undeployModel`, body });
    await http.wait(operation, base.slice(0, base.indexOf("/projects/")));
    onGone(nameOf(model));
  }
}

export const nameOf = ({ model, modelVersionId }: Serving["models"][number]) =>
  `${model.split("/").at(-1)}@${modelVersionId}`;

const addressOf = (endpoint: string) => `https://${endpoint.split("/")[3]}-aiplatform.googleapis.com/v1/${endpoint}`;

const suffix = (stack: string) => (stack === LOCAL_STACK ? "" : ` -s ${stack}`);
