/** A real session: its kernels share one Spark, it outlives a killed cloud, and nothing of it outlives its end. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { tokenFile } from "../../../engines/sessions";
import { readTools } from "../../../engines/tools";
import { CloudProcess } from "../../faults/cloud-process";
import type { JsonObject } from "../../service";
import { HOST, PARENT, waitFor } from "./testing";
import { objectAt, text } from "./workload-rules";

const MINUTES = 60_000;
const EXECUTE = resolve(__dirname, "../../../engines/notebook_execute.py");
const SESSION = `${HOST}/${PARENT}/sessions/lesson`;
let cloud: CloudProcess;

beforeAll(async () => {
  cloud = await CloudProcess.start();
  await cloud.send("POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", {
    accountId: "notebooks",
  });
}, MINUTES);
afterAll(() => cloud.close(), MINUTES);

const get = async () => (await cloud.send(`GET ${SESSION}`)).json;
const until = (state: string) => waitFor(get, (session) => session.state === state || session.state === "FAILED");

/** Runs cells in a kernel of the session; gives what each has shown. */
async function execute(session: JsonObject, ...sources: string[]): Promise<string[]> {
  const folder = join(cloud.lab, "executed");
  mkdirSync(folder, { recursive: true });
  const cells = sources.map((source, number) => ({
    ...{ cell_type: "code", id: `cell-${number}`, metadata: {}, source, outputs: [], execution_count: null },
  }));
  const file = join(cloud.lab, "lesson.ipynb");
  writeFileSync(file, JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }));
  const token = readFileSync(tokenFile(join(cloud.lab, "cloud", "sessions", text(session.uuid))), "utf8");
  const { endpoints } = objectAt(session, "runtimeInfo") as { endpoints: { Jupyter: string } };
  execFileSync(readTools().python.notebooks, [EXECUTE, folder, file], {
    env: { ...process.env, JUPYTER_GATEWAY_URL: endpoints.Jupyter, JUPYTER_GATEWAY_AUTH_TOKEN: token },
  });
  const executed = JSON.parse(readFileSync(join(folder, "lesson.ipynb"), "utf8")) as {
    cells: { outputs: { text?: string; data?: Record<string, string> }[] }[];
  };
  return executed.cells.map(({ outputs }) =>
    outputs.map(({ text: said, data }) => said ?? Object.keys(data ?? {}).join(" ")).join(""),
  );
}

test("a kernel that is slow to answer is asked for in its session, not among the processes of this machine", () => {
  const asked = "import asyncio, notebook_execute as n; print(asyncio.run(n.SessionKernelManager()._async_is_alive()))";
  const printed = execFileSync(readTools().python.notebooks, ["-c", asked], { cwd: dirname(EXECUTE) });
  expect(printed.toString().trim()).toBe("False");
});

function isAlive(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    return false;
  }
}

test(
  "kernels work in one Spark as the session's account, also after the cloud was killed, until the session is ended",
  async () => {
    const made = await cloud.send(`POST ${HOST}/${PARENT}/sessions?sessionId=lesson`, {
      jupyterSession: { kernel: "PYTHON", displayName: "Lesson" },
      runtimeConfig: { version: "2.3", properties: { "spark.driver.memory": "1g", "spark.lesson": "one" } },
      environmentConfig: {
        executionConfig: { serviceAccount: "notebooks@sparklab-local.iam.gserviceaccount.com", ttl: "3600s" },
      },
    });
    expect(made.status).toBe(200);
    const session = await until("ACTIVE");
    expect(session.state).toBe("ACTIVE");
    const [application, count, plot] = await execute(
      session,
      "print(spark.sparkContext.applicationId, spark.conf.get('spark.lesson'))",
      "import pyspark.sql.functions as F\nprint(spark.range(100).select(F.udf(lambda n: n + 1, 'long')('id')).count())",
      "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    );
    expect([count, plot]).toEqual(["100\n", expect.stringContaining("image/png")]);
    expect(application).toMatch(/^local-\d+ one\n$/);
    await cloud.kill();
    await cloud.restart();
    const after = await get();
    expect(after).toMatchObject({ state: "ACTIVE", uuid: session.uuid! });
    const who =
      "import os, urllib.request as u\n" +
      "url = f\"http://{os.environ['GCE_METADATA_HOST']}/computeMetadata/v1/instance/service-accounts/default/email\"\n" +
      "print(u.urlopen(u.Request(url, headers={'Metadata-Flavor': 'Google'})).read().decode())";
    const [same, email] = await execute(after, "print(spark.sparkContext.applicationId, 'one')", who);
    expect(same).toBe(application);
    expect(email).toBe("notebooks@sparklab-local.iam.gserviceaccount.com\n");
    await cloud.send(`POST ${SESSION}:terminate`, {});
    expect(await until("TERMINATED")).toMatchObject({ state: "TERMINATED" });
    const folder = join(cloud.lab, "cloud", "sessions", text(session.uuid));
    const { pid } = JSON.parse(readFileSync(join(folder, "process.json"), "utf8")) as { pid: number };
    // The last of its processes is gone a moment after its end is known.
    await waitFor(
      async () => isAlive(pid),
      (alive) => !alive,
    );
    expect(readdirSync(folder)).not.toContain("work");
  },
  5 * MINUTES,
);
