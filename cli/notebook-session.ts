/** One interactive session through Google's own client: made from a template, waited for, ended. */
import { v1, protos } from "@google-cloud/dataproc";
import { setTimeout as pause } from "node:timers/promises";
import { UserError } from "./lab";

type Session = protos.google.cloud.dataproc.v1.ISession;

/** How often a session that is being made is looked at. */
const LOOK_EVERY_MS = 500;

export interface OpenSession {
  name: string;
  uuid: string;
  /** Where its Jupyter server answers. */
  endpoint: string;
  end: () => Promise<void>;
}

/** @param place project and region @param template full name or id @param id of the new session */
export async function openSession(
  place: { project: string; region: string },
  template: string,
  id: string,
): Promise<OpenSession> {
  const client = new v1.SessionControllerClient({ apiEndpoint: `${place.region}-dataproc.googleapis.com` });
  const parent = `projects/${place.project}/locations/${place.region}`;
  const name = `${parent}/sessions/${id}`;
  const sessionTemplate = template.includes("/") ? template : `${parent}/sessionTemplates/${template}`;
  const end = async () => {
    await client.terminateSession({ name });
    await client.close();
  };
  try {
    await client.createSession({ parent, sessionId: id, session: { sessionTemplate } });
    return { ...(await active(client, name)), end };
  } catch (error) {
    await client.close();
    throw isRefusal(error)
      ? new UserError(`Session of template ${template}: ${error.message.replace(/^\d+ \w+: /, "")}`)
      : error;
  }
}

async function active(client: v1.SessionControllerClient, name: string) {
  for (;;) {
    const [session] = await client.getSession({ name });
    const state = String(session.state);
    if (state === "ACTIVE") return { name, uuid: session.uuid ?? "", endpoint: endpointOf(session) };
    if (state !== "CREATING") throw new UserError(`Session ${name}: ${state}. ${session.stateMessage ?? ""}`);
    await pause(LOOK_EVERY_MS);
  }
}

function endpointOf({ name, runtimeInfo }: Session): string {
  const endpoint = runtimeInfo?.endpoints?.Jupyter;
  if (!endpoint)
    throw new UserError(`Session ${name}: has no Jupyter endpoint; expected a template with jupyterSession.`);
  return endpoint;
}

/** gRPC: NOT_FOUND, INVALID_ARGUMENT, FAILED_PRECONDITION, PERMISSION_DENIED, UNIMPLEMENTED. */
const isRefusal = (error: unknown): error is Error & { code: number } =>
  error instanceof Error && [5, 3, 9, 7, 12].includes((error as { code?: number }).code ?? 0);
