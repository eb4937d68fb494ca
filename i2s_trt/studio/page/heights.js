// Heights that the style sheet reckons with: of the picture and of the messages, which both stay in sight.

for (const id of ["picture", "notices"]) {
  const told = ([{ target }]) => document.documentElement.style.setProperty(`--${id}`, `${target.offsetHeight}px`);
  new ResizeObserver(told).observe(document.getElementById(id));
}
