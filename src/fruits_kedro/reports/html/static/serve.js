"use strict";
// A photo is sent to the service; its answer stays on the page until the page is left.
(() => {
  const words = JSON.parse(document.getElementById("words").textContent);
  const $ = (id) => document.getElementById(id);
  const mostBytes = Number($("ask").dataset.mostBytes), mostAnswers = 20, mostTries = 5;
  const percent = (share) => share.toLocaleString(document.documentElement.lang,
    { style: "percent", maximumFractionDigits: 0 });
  const make = (tag, className, ...parts) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...parts);
    return element;
  };
  const headers = () => {
    const token = sessionStorage.getItem("token");
    return token ? { Authorization: "Bearer " + token } : {};
  };
  const waiting = [];

  function sureness({ probability, out_of_distribution: unknown }) {
    if (unknown) return words.unknown;
    if (probability >= 0.9) return words.sure;
    return probability >= 0.6 ? words.likely : words.guess;
  }
  async function picture(near) {
    const image = make("img");
    image.alt = near.path;
    const answer = await fetch(near.picture, { headers: headers() }).catch(() => null);
    if (answer?.ok) image.src = URL.createObjectURL(await answer.blob());
    const text = `${near.label ?? "–"} ${percent(near.similarity)}`;
    return make("figure", "photo", image, make("figcaption", "", text));
  }
  function describe(found) {
    if (found.error) {
      const reason = words.reasons[found.error.reason] ?? found.error.reason;
      return [make("h2", "", words.unusable), make("p", "", reason)];
    }
    const said = sureness(found).replace("{label}", () => found.label)
      .replace("{share}", () => percent(found.probability));
    const top = found.top.map((one) => `${one.label} ${percent(one.probability)}`).join(" · ");
    const title = found.out_of_distribution ? words.no_fruit : found.label;
    return [make("h2", "", title), make("p", "", said), make("p", "soft", top)];
  }
  async function show(file, found, ms) {
    const image = make("img", "own");
    image.alt = file.name;
    image.src = URL.createObjectURL(file);
    const parts = describe(found);
    const answer = make("article", "card answer", image, make("div", "", ...parts));
    if (found.nearest?.length) {
      const shown = await Promise.all(found.nearest.map(picture));
      answer.append(make("div", "photos", make("p", "soft", words.nearest), ...shown));
    }
    answer.append(make("p", "soft", words.took.replace("{ms}", Math.round(ms))));
    $("answers").prepend(answer);
    while ($("answers").childElementCount > mostAnswers) {
      const old = $("answers").lastElementChild;
      for (const shown of old.querySelectorAll("img")) URL.revokeObjectURL(shown.src);
      old.remove();
    }
    $("said").textContent = parts[0].textContent;
  }
  // Whether the photo is done with.
  async function ask(file, tries = 0) {
    if (file.size > mostBytes) {
      $("said").textContent = words.too_large;
      return true;
    }
    $("said").textContent = words.waiting;
    const type = file.type || "application/octet-stream";
    const sent = { method: "POST", body: file, headers: { ...headers(), "Content-Type": type } };
    const answer = await fetch("predict", sent).catch(() => null);
    if (!answer) {
      $("said").textContent = words.away;
      return true;
    }
    if (answer.status === 503 && tries < mostTries) {
      const seconds = Number(answer.headers.get("Retry-After") ?? 1);
      await new Promise((done) => setTimeout(done, 1000 * seconds));
      return ask(file, tries + 1);
    }
    if (answer.status === 401) {
      $("said").textContent = words.locked;
      $("token-form").hidden = false;
      $("token").focus();
      return false;
    }
    const found = await answer.json().catch(() => ({}));
    if (found.photos) await show(file, found.photos[0], found.ms);
    else $("said").textContent = `${words.failed} ${found.detail ?? answer.status}`;
    return true;
  }
  async function askAll() {
    while (waiting.length && await ask(waiting[0])) waiting.shift();
  }
  function take(files) {
    const isIdle = !waiting.length;
    waiting.push(...files);
    if (isIdle) askAll();
  }
  $("file").addEventListener("change", ({ target }) => {
    take([...target.files]);
    target.value = "";
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    $("drop").addEventListener(name, (event) => {
      event.preventDefault();
      $("drop").classList.toggle("over", name === "dragover");
      if (name === "drop") take([...event.dataTransfer.files]);
    });
  }
  $("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("token", $("token").value);
    $("token-form").hidden = true;
    askAll();
  });
})();
