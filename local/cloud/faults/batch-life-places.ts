/** For tests: where the batches of these labs lie and what they read. */
export const PROJECT = "projects/sparklab-local";
export const BATCHES = `https://us-central1-dataproc.googleapis.com/v1/${PROJECT}/locations/us-central1/batches`;
export const STORAGE = "https://storage.googleapis.com";
export const BIGQUERY = `https://bigquery.googleapis.com/bigquery/v2/${PROJECT}`;
/** Whose credentials the batches have. */
export const WORKER = "worker@sparklab-local.iam.gserviceaccount.com";
/** Rows of the file that each batch reads, and of each table that it makes. */
export const ROWS = 50;
/** Tells the test's own looks from the calls of a batch's life. */
export const QUESTION = { "x-question": "test" };
