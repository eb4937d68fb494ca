# The studio, for the CPU unless told otherwise; see docs/studio.md.
FROM python:3.12-slim
ARG EXTRAS=cpu,studio
# address of a package index with PyTorch's CPU build; without it the default build comes, with CUDA's libraries
ARG TORCH_INDEX=
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN if [ -n "$TORCH_INDEX" ]; then pip install --no-cache-dir --constraint constraints.txt --index-url "$TORCH_INDEX" torch; fi \
    && pip install --no-cache-dir --constraint constraints.txt ".[$EXTRAS]"
RUN useradd --create-home studio && mkdir /faces && chown studio /faces
# graphs and curvatures are kept beside the shelf, whoever it runs as
ENV I2S_TRT_HOME=/faces/.i2s-trt
USER studio
VOLUME /faces
EXPOSE 8222
ENTRYPOINT ["i2s-trt", "studio", "--host", "0.0.0.0", "--port", "8222", "--no-open", "--folder", "/faces"]
