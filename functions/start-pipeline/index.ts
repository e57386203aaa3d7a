/** Entry points: `startPipeline` for HTTP (people, schedules, tasks, pushed messages), `startPipelineOnEvent` for CloudEvents. */
import { type CloudEvent, cloudEvent, http } from "@google-cloud/functions-framework";
import { GoogleAuth } from "google-auth-library";
import { onEvent, onRequest, type Deps } from "./handler";
import { googleClient } from "./google";
import { parseSettings } from "./settings";

let made: Deps | undefined;

/** Made by the first request: settings that are wrong are then told in its answer and in the log. */
function deps(): Deps {
  const auth = new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/cloud-platform"] });
  made ??= {
    settings: parseSettings(process.env),
    send: googleClient((request) => auth.request(request)),
    now: () => new Date(),
    log: (entry) => void process.stdout.write(`${JSON.stringify(entry)}\n`),
  };
  return made;
}

http("startPipeline", (request, response) => onRequest(deps)(request, response));
cloudEvent("startPipelineOnEvent", (event: CloudEvent<unknown>) => onEvent(deps)(event));
