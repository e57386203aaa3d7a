/** REST reads of Google's APIs with the caller's own credentials, wherever HTTPS_PROXY leads them. */
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
