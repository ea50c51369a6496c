{{- define "iblai-exporter.notes" -}}
{{- $name := include "iblai-exporter.fullname" . }}
{{- $namespace := include "iblai-exporter.namespace" . }}
{{ .Chart.Name }} {{ .Chart.AppVersion }} is installed as {{ $name }} in {{ $namespace }}.

Look at the status page:

  kubectl --namespace {{ $namespace }} port-forward statefulset/{{ $name }} 10880:{{ .Values.web.containerPort }}
  open http://localhost:10880/
{{- if not .Values.demo.enabled }}

Check the configuration against the API:

  kubectl --namespace {{ $namespace }} exec {{ $name }}-0 -- iblai-exporter check{{ if include "iblai-exporter.configName" . }} --config /etc/iblai/iblai.yml{{ end }} --live
{{- if not (or (include "iblai-exporter.configName" .) .Values.orgsDir.configMaps .Values.orgsDir.secrets .Values.extraEnv .Values.extraEnvFrom) }}

WARNING: no orgs are configured, and the exporter will not start. Set `config`, or
`demo.enabled=true` for simulated orgs.
{{- else if not (or (include "iblai-exporter.keysName" .) .Values.extraEnv .Values.extraEnvFrom .Values.extraVolumes .Values.configInSecret .Values.existingConfigSecret .Values.orgsDir.secrets) }}

WARNING: no API keys are configured. Create a Secret and set `existingSecret`:

  kubectl --namespace {{ $namespace }} create secret generic iblai-keys --from-file=acme=./acme.key
{{- end }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}

WARNING: both serviceMonitor and podMonitor are enabled. Every series is scraped twice.
{{- end }}
{{- if not (or .Values.serviceMonitor.enabled .Values.podMonitor.enabled) }}

No monitor is enabled. Set `serviceMonitor.enabled=true`, or let Prometheus find the pods by their
port http-metrics.
{{- end }}
{{- end }}
