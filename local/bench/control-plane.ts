/** Requests per second through the front door, beside a bare Node HTTP server (no TLS, no state, no checks) on this machine. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent, ProxyAgent, request, type Dispatcher } from "undici";
import { clientEnvironment } from "../cloud/door/client-environment";
import { printRows, withTemporaryLab } from "./temporary-lab";

const REQUESTS = 2000;
const AT_ONCE = 16;

async function main(): Promise<void> {
  await withTemporaryLab(async (lab) => {
    await lab.sparklab("up");
    const variables = clientEnvironment(lab.folder);
    const ca = readFileSync(variables.NODE_EXTRA_CA_CERTS!, "utf8");
    const door = new ProxyAgent({ uri: variables.HTTPS_PROXY!, requestTls: { ca }, connections: AT_ONCE });
    const headers = {
      authorization: `Bearer ${variables.GOOGLE_OAUTH_ACCESS_TOKEN!}`,
      "content-type": "application/json",
    };
    const get = (url: string) => () => send(door, url, { headers });
    const bucket = "https://storage.googleapis.com/storage/v1/b/sparklab-local-raw";
    const insert = (index: number) =>
      send(
        door,
        `https://storage.googleapis.com/upload/storage/v1/b/sparklab-local-staging/o?uploadType=media&name=bench/${index}`,
        { headers, method: "POST", body: "x" },
      );
    const bare = await bareServer();
    // As a client meets it that stays: the connections are there, the code is compiled.
    await rate(get(bucket));
    const reads = await rate(get(bucket));
    const templates = await rate(
      get("https://dataproc.googleapis.com/v1/projects/sparklab-local/locations/us-central1/sessionTemplates"),
    );
    const writes = await rate(insert, REQUESTS / 4);
    await rate(() => send(bare.agent, bare.url, { headers }));
    const baseline = await rate(() => send(bare.agent, bare.url, { headers }));
    bare.close();
    await door.close();
    printRows([
      { what: "storage.buckets.get", ours: reads, other: baseline, unit: "requests/s" },
      { what: "dataproc.sessionTemplates.list", ours: templates, other: baseline, unit: "requests/s" },
      { what: "storage.objects.insert, synced to disk", ours: writes, other: baseline, unit: "requests/s" },
    ]);
  });
}

type Asked = { headers: Record<string, string>; method?: Dispatcher.HttpMethod; body?: string };

async function send(dispatcher: Dispatcher, url: string, options: Asked): Promise<void> {
  // A copy of the headers: undici writes the host of the proxied request into what it is given.
  const { statusCode, body } = await request(url, { dispatcher, ...options, headers: { ...options.headers } });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${url}: got ${statusCode} ${text}; expected 200`);
}

/** Completed requests per second with a fixed number under way. */
async function rate(one: (index: number) => Promise<void>, total = REQUESTS): Promise<number> {
  let next = 0;
  const worker = async () => {
    while (next < total) await one(next++);
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return total / ((performance.now() - began) / 1000);
}

/** What Node itself can do on this machine in this session. */
async function bareServer() {
  const answer = Buffer.from(JSON.stringify({ kind: "storage#bucket", padding: "x".repeat(600) }));
  const server = createServer((_, response) => response.setHeader("content-type", "application/json").end(answer));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const agent = new Agent({ connections: AT_ONCE });
  return {
    agent,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      void agent.close();
      server.close();
    },
  };
}

void main();
