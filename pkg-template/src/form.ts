/** Forms with files, which WebKit sends and cannot read back; a script of its own, for few need it. */

/** Writes the form as `multipart/form-data`, with the boundary that the browser chose (RFC 7578). */
export function encoded(form: FormData, headers: Headers): Promise<ArrayBuffer> {
  const boundary = headers.get("content-type")?.split("boundary=")[1];
  const parts: BlobPart[] = [];
  for (const [name, value] of form) {
    parts.push(`--${boundary}\r\nContent-Disposition: form-data; name="${escaped(lines(name))}"`);
    if (typeof value === "string") parts.push(`\r\n\r\n${lines(value)}\r\n`);
    else {
      const type = value.type || "application/octet-stream";
      parts.push(`; filename="${escaped(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`);
      parts.push(value, "\r\n");
    }
  }
  return new Blob([...parts, `--${boundary}--\r\n`]).arrayBuffer();
}

/** Line ends as the form's algorithm wants them in names and texts. */
function lines(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n");
}

/** A name between quotes, as the HTML standard escapes it. */
function escaped(name: string): string {
  return name.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
}
