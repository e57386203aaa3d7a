/**
 * The Compute Engine metadata server of one workload: the way by which a program on Google Cloud gets tokens of the
 * service account that it runs as. Each workload has its own server on its own loopback port, so that a token always
 * says whose it is. Source: https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CLOUD_PLATFORM } from "./tokens";
import type { Cloud, Principals } from "../cloud";
import type { Principal } from "../service";

export interface MetadataServerOptions {
  /** Service account of the workload. */
  email: string;
  project: Cloud["project"];
  region: string;
  /** 0 lets the system choose; a workload that outlives the cloud gets its old port again. */
  port: number;
  /** Told of what goes wrong inside, which the workload hears without its text. */
  failed: (error: unknown) => void;
  principals: Pick<Principals, "accessToken" | "identityToken"> & {
    serviceAccount: (email: string) => Promise<{ disabled: boolean } | undefined>;
  };
}

/** A value, several values (one a line), or one that is computed when asked for and left out of recursive answers. */
type Leaf = string | readonly string[] | ((query: URLSearchParams) => Promise<Reply>);
interface Folder {
  readonly [name: string]: Leaf | Folder;
}
interface Reply {
  status: number;
  body: string;
  type: string;
  location?: string;
}

const ROOT = "/computeMetadata/v1/";
const ROOT_NAMES = 2;
const TOKEN_SECONDS = 3600;
const TEXT = "application/text";
const JSON_TYPE = "application/json";
const PAGE = "text/html; charset=UTF-8";

export async function startMetadataServer(options: MetadataServerOptions): ReturnType<Principals["metadataServer"]> {
  const tree = metadata(options);
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) => {
    void answer(tree, request)
      .catch((error: unknown) => {
        options.failed(error);
        return page(500, "Internal error.");
      })
      .then((reply) => send(response, reply));
  });
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()));
      server.closeAllConnections();
    });
  return { host, close };
}

/** What lies below `/computeMetadata/v1/`. */
function metadata({ email, project, region, principals }: MetadataServerOptions): Folder {
  const principal: Principal = { kind: "serviceAccount", email, via: "metadataServer" };
  /** A token of an account that was deleted or disabled meanwhile is refused here, as on Google Cloud. */
  const whileEnabled = async (give: () => Promise<Reply> | Reply): Promise<Reply> => {
    const account = await principals.serviceAccount(email);
    if (account && !account.disabled) return give();
    return page(404, `The service account ${email} ${account ? "is disabled" : "was not found"}.`);
  };
  const account: Folder = {
    aliases: ["default"],
    email,
    identity: async (query) => {
      const audience = query.get("audience");
      if (!audience) return page(400, "non-empty audience parameter required");
      const includeEmail = query.get("format") === "full";
      return whileEnabled(async () => text(await principals.identityToken(principal, audience, { includeEmail })));
    },
    scopes: [CLOUD_PLATFORM],
    token: async (query) =>
      whileEnabled(() => {
        const { token, expiresIn } = principals.accessToken(principal, TOKEN_SECONDS, query.get("scopes")?.split(","));
        return json({ access_token: token, expires_in: expiresIn, token_type: "Bearer" });
      }),
  };
  return {
    instance: {
      id: project.number,
      region: `projects/${project.number}/regions/${region}`,
      "service-accounts": { default: account, [email]: account },
      zone: `projects/${project.number}/zones/${region}-a`,
    },
    project: { "numeric-project-id": project.number, "project-id": project.id },
    universe: { "universe-domain": "googleapis.com" },
  };
}

async function answer(tree: Folder, request: IncomingMessage): Promise<Reply> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://metadata");
  const names = decoded(pathname);
  if (!names) return page(400, `The path ${pathname} has a broken escape.`);
  if (request.method !== "GET" && request.method !== "HEAD") return page(405, `${request.method} is not allowed.`);
  // Clients find out by this page whether they run on Google Cloud.
  if (pathname === "/") return text("computeMetadata/\n");
  if (request.headers["metadata-flavor"] !== "Google") return page(403, "Missing Metadata-Flavor:Google header.");
  if (request.headers["x-forwarded-for"]) return page(403, "Request was forwarded: X-Forwarded-For is not allowed.");
  if (searchParams.has("wait_for_change")) return page(501, "wait_for_change is not served here.");
  const found = `${pathname}/`.startsWith(ROOT)
    ? lookup(tree, names.slice(ROOT_NAMES), pathname.endsWith("/"))
    : undefined;
  if (found === undefined) return page(404, `The requested URL ${pathname} was not found on this server.`);
  if (typeof found === "function") return found(searchParams);
  return isFolder(found) ? folderReply(found, pathname, searchParams) : leafReply(found, searchParams);
}

/** Names on a path; undefined when it is none. */
function decoded(path: string): string[] | undefined {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** @param isFolderAsked only folders end with a slash */
function lookup(tree: Folder, names: readonly string[], isFolderAsked: boolean): Leaf | Folder | undefined {
  let here: Leaf | Folder | undefined = tree;
  for (const name of names) {
    here = here !== undefined && isFolder(here) && Object.hasOwn(here, name) ? here[name] : undefined;
  }
  return here !== undefined && !isFolder(here) && isFolderAsked ? undefined : here;
}

function folderReply(folder: Folder, path: string, query: URLSearchParams): Reply {
  if (query.get("recursive")?.toLowerCase() === "true") {
    return query.get("alt") === "text" ? text(flat(folder).join("\n") + "\n") : json(nested(folder));
  }
  if (!path.endsWith("/")) return { ...page(301, "Moved"), location: `${path}/` };
  const names = Object.entries(folder).map(([name, child]) => (isFolder(child) ? `${name}/` : name));
  return query.get("alt") === "json" ? json(names) : text(`${names.join("\n")}\n`);
}

function leafReply(leaf: string | readonly string[], query: URLSearchParams): Reply {
  if (query.get("alt") === "json") return json(valueOf(leaf));
  return text(typeof leaf === "string" ? leaf : `${leaf.join("\n")}\n`);
}

/** Recursive answers: camel-case keys, numbers as numbers. */
function nested(folder: Folder): object {
  const entries = Object.entries(folder).flatMap(([name, child]) => {
    if (typeof child === "function") return [];
    // Accounts are keyed by their address, which is a value and keeps its hyphens.
    const key = name.includes("@") ? name : name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    return [[key, isFolder(child) ? nested(child) : valueOf(child)]];
  });
  return Object.fromEntries(entries) as object;
}

function flat(folder: Folder, path = ""): string[] {
  return Object.entries(folder).flatMap(([name, child]) => {
    if (typeof child === "function") return [];
    if (isFolder(child)) return flat(child, `${path}${name}/`);
    return [child].flat().map((line) => `${path}${name} ${line}`);
  });
}

const isFolder = (node: Leaf | Folder): node is Folder => typeof node === "object" && !Array.isArray(node);
const valueOf = (leaf: string | readonly string[]) =>
  typeof leaf === "string" && /^\d+$/.test(leaf) ? Number(leaf) : leaf;
const text = (body: string): Reply => ({ status: 200, body, type: TEXT });
const json = (value: unknown): Reply => ({ status: 200, body: JSON.stringify(value), type: JSON_TYPE });
const page = (status: number, why: string): Reply => ({ status, body: `${why}\n`, type: PAGE });

function send(response: ServerResponse, { status, body, type, location }: Reply): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "metadata-flavor": "Google",
    server: "Metadata Server for VM",
    "x-xss-protection": "0",
    "x-frame-options": "SAMEORIGIN",
    ...(location ? { location } : {}),
  });
  response.end(body);
}
