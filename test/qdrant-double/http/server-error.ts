/** What the server refuses: an HTTP status, and the text under `status.error`. */
export class ServerError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Answered as plain text, as the server does before it knows the request. */
  readonly plain: boolean;

  constructor(
    status: number,
    message: string,
    { headers = {}, plain = false }: { headers?: Record<string, string>; plain?: boolean } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.plain = plain;
  }
}

export const badInput = (text: string) => new ServerError(400, `Wrong input: ${text}`);
export const notFound = (text: string) => new ServerError(404, `Not found: ${text}`);
export const alreadyExists = (text: string) => new ServerError(409, `Wrong input: ${text}`);
export const invalid = (text: string) => new ServerError(422, `Validation error in JSON body: [${text}]`);

/** A limit of the collection's strict mode. */
export const strictMode = (text: string, help: string) =>
  new ServerError(400, `Bad request: ${text}. Help: ${help}`);

export const missingCollection = (name: string) => notFound(`Collection \`${name}\` doesn't exist!`);
