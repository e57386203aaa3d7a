/** REST calls of Google's APIs with the caller's own credentials, wherever HTTPS_PROXY leads them. */
import { GoogleAuth } from "google-auth-library";

const auth = new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/cloud-platform"] });

/** All pages of a list method. @param field Name of the array in each page; absent means an empty page. */
export async function listAll<T>(url: string, field: string): Promise<T[]> {
  const client = await auth.getClient();
  const found: T[] = [];
  for (let pageToken: string | undefined; ;) {
    const { data } = await client.request<Record<string, unknown>>({ url, params: pageToken ? { pageToken } : {} });
    found.push(...((data[field] as T[] | undefined) ?? []));
    pageToken = data.nextPageToken as string | undefined;
    if (!pageToken) return found;
  }
}

/** One call of a method. */
export async function ask<T>(method: "GET" | "POST", url: string, data?: object): Promise<T> {
  const client = await auth.getClient();
  return (await client.request<T>({ method, url, ...(data && { data }) })).data;
}

/** One call of a service that is reached by its own address, with a token that shows it who calls. */
export async function askService<T>(service: string, path: string, data?: object): Promise<T> {
  const client = await auth.getClient();
  if (!("fetchIdToken" in client))
    throw new Error(`Credentials of type ${client.constructor.name}: expected some that give identity tokens.`);
  const headers = { authorization: `Bearer ${await client.fetchIdToken(service)}` };
  const method = data ? "POST" : "GET";
  const request = {
    method,
    url: `${service}${path}`,
    headers,
    ...(data && { data }),
    validateStatus: () => true,
  } as const;
  const answer = await client.transporter.request<T>(request);
  if (answer.status < 300) return answer.data;
  throw new Error(`${method} ${service}${path}: got ${answer.status} ${JSON.stringify(answer.data)}.`);
}
