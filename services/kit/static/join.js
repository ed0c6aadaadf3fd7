// The code of an invitation, or of a till that is paired, stands behind the # of its link, which browsers send to no server: it goes into
// the form, and along when the language is changed.
const code = location.hash.slice(1);
if (code) {
  const field = document.querySelector("[data-code-field] input");
  if (field) {
    field.value ||= code;
    document.querySelector("[data-code-field]").hidden = true;
  }
  for (const link of document.querySelectorAll("[data-keep-code] a")) link.hash = code;
}
