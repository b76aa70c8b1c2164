// Drawn icons for the page's own buttons, and for the emoji that are buttons: a machine without
// an emoji font must show those too.

const SVG = "http://www.w3.org/2000/svg";
const THUMB = "M3 9h3v8H3zM6 9.5 9.3 3c1.6 0 2.4 1 2.1 2.4L10.8 8h4.9c1 0 1.7.9 1.5 1.9l-1.1 5.4c-.2 1-1 1.7-2 1.7H6";
const PATHS = {
  repeat: "M4 10V8.5a3 3 0 0 1 3-3h8.5M13 3l2.6 2.5L13 8M16 10v1.5a3 3 0 0 1-3 3H4.5M7 12l-2.6 2.5L7 17",
  x: "m4.5 4.5 11 11m0-11-11 11",
  "+1": THUMB,
  "-1": THUMB,
  white_check_mark: "m3.5 10.5 4.2 4.2L16.5 5.5",
  heavy_plus_sign: "M10 4v12M4 10h12",
  scissors: "M5.5 8.5a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4m0 7.4a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4M7.4 7.6 17 14.5M7.4 12.4 17 5.5",
  smile: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15M6.8 11.8c1.6 2.5 4.8 2.5 6.4 0M7.5 7.6v.6m5-.6v.6",
  reply: "M3 4h14v9.5H9.5L6 17v-3.5H3z",
  trash: "M3.5 5.5h13M8 5.5v-2h4v2m-6.5 0 .8 11h7.4l.8-11",
  lock: "M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  people: "M7.5 9.5a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4M2.5 16v-1a3 3 0 0 1 3-3h4a3 3 0 0 1 3 3v1M13 4.4a2.7 2.7 0 0 1 0 5M15 12.2a3 3 0 0 1 2.5 2.8v1",
  bolt: "M11.5 2.5 4.5 11.5h5l-1 6 7-9h-5z",
  clip: "m15.5 9-6 6a3 3 0 0 1-4.3-4.3l6.6-6.5a2 2 0 0 1 2.8 2.8l-6.4 6.5",
  file: "M5 2.5h6.5L15.5 6.5v11H5zM11.5 2.5v4h4",
  dots: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5m8-2.2a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4",
};
PATHS.wastebasket = PATHS.trash;
PATHS.thumbsup = PATHS["+1"];
PATHS.thumbsdown = PATHS["-1"];

// Return the icon of this name, or null.
export function icon(name) {
  if (!Object.hasOwn(PATHS, name)) return null;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name.replace("+", "plus").replace("-", "minus")}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
