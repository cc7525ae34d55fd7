"use strict";
(() => {
  document.documentElement.classList.add("js");
  const valueOf = (cell) => {
    const data = cell.querySelector("data");
    return (data ? data.value : cell.textContent).trim();
  };
  const compare = (one, other) => {
    const numbers = [Number(one), Number(other)];
    const empty = [one, other].map((text) => text === "" || text === "–");
    if (empty[0] !== empty[1]) return empty[0] ? 1 : -1;
    if (!numbers.some(Number.isNaN)) return numbers[0] - numbers[1];
    return one.localeCompare(other, "en", { numeric: true });
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const rows = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
        rows.sort((one, other) => {
          const order = compare(one[0], other[0]);
          const missing = [one[0], other[0]].some((text) => text === "" || text === "–");
          return down && !missing ? -order : order;
        });
        body.append(...rows.map((pair) => pair[1]));
      });
    });
  }
  for (const slider of document.querySelectorAll(".slider input")) {
    const stage = slider.closest(".viewer").querySelector(".stage");
    const move = () => stage.style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", move);
    move();
  }
  for (const part of document.querySelectorAll(".before-after")) {
    const figures = [...part.parentElement.querySelectorAll("figure[data-visit]:not(.without)")];
    const [left, right] = [".left", ".right"].map((name) => part.querySelector(name));
    for (const select of [left, right]) {
      select.append(...figures.map((figure, place) => new Option(figure.dataset.visit, String(place))));
    }
    right.value = String(figures.length - 1);
    const stage = part.querySelector(".stage");
    const [under, over] = stage.querySelectorAll("img");
    const [first, second] = [".first", ".second"].map((name) => stage.querySelector(name));
    const show = () => {
      [[left, under, first], [right, over, second]].forEach(([select, image, drawing]) => {
        const figure = figures[Number(select.value)];
        image.src = figure.querySelector("img").src;
        image.alt = figure.querySelector("img").alt;
        const source = figure.querySelector("svg");
        drawing.setAttribute("viewBox", source.getAttribute("viewBox"));
        drawing.replaceChildren(...[...source.childNodes].map((node) => node.cloneNode(true)));
      });
    };
    left.addEventListener("change", show);
    right.addEventListener("change", show);
    const slider = part.querySelector("input");
    const move = () => stage.style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", move);
    show();
    move();
    part.hidden = false;
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details.print:not([open])")) details.open = true;
  });
})();
