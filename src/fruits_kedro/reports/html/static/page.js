"use strict";
// The lists of the page: copied as paths, saved as CSV; and the search among the labels.
(() => {
  const tables = JSON.parse(document.getElementById("tables").textContent);
  const words = JSON.parse(document.getElementById("words").textContent);
  const cell = (value) => {
    let text = value === null ? "" : String(value);
    // A spreadsheet calculates what begins like a formula.
    if (typeof value === "string" && /^[=+\-@\t\r']/.test(text)) text = "'" + text;
    return typeof value === "number" ? text : '"' + text.replaceAll('"', '""') + '"';
  };
  window.copyText = async (text, button) => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    const before = button.dataset.text ?? button.textContent;
    button.dataset.text = before;
    button.textContent = done ? words.copied : words.not_copied;
    setTimeout(() => { button.textContent = before; }, 2000);
  };
  window.saveText = (text, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy], button[data-save]");
    if (!button) return;
    const name = button.dataset.copy ?? button.dataset.save;
    const { columns, rows } = tables[name];
    if (button.dataset.copy) {
      const at = columns.indexOf("path");
      window.copyText([...new Set(rows.map((row) => row[at]))].join("\n"), button);
    } else {
      const lines = [columns.map(cell), ...rows.map((row) => row.map(cell))];
      window.saveText(lines.map((line) => line.join(",")).join("\r\n") + "\r\n", name + ".csv");
    }
  });
  const search = document.getElementById("label-search");
  search?.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase(), cards = document.querySelectorAll(".card");
    for (const card of cards) card.hidden = !card.dataset.label.toLowerCase().includes(wanted);
    document.getElementById("label-none").hidden = [...cards].some((card) => !card.hidden);
  });
})();
