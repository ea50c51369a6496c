{{- define "iblai-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 52 characters: a pod's label adds a hash of 11. */}}
{{- define "iblai-exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "iblai-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "iblai-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "iblai-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "iblai-exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "iblai-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: exporter
app.kubernetes.io/part-of: {{ include "iblai-exporter.name" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "iblai-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "iblai-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "iblai-exporter.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry }}
{{- with $registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "iblai-exporter.imagePullSecrets" -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
- name: {{ if kindIs "string" . }}{{ . }}{{ else }}{{ .name }}{{ end }}
{{- end }}
{{- end }}

{{/* Name of the object with iblai.yml, or empty if there is none. */}}
{{- define "iblai-exporter.configName" -}}
{{- if .Values.existingConfigSecret }}
{{- .Values.existingConfigSecret }}
{{- else if .Values.existingConfigMap }}
{{- .Values.existingConfigMap }}
{{- else if .Values.config }}
{{- include "iblai-exporter.fullname" . }}{{ if .Values.configInSecret }}-config{{ end }}
{{- end }}
{{- end }}

{{/* Name of the Secret with API keys, or empty if there is none. */}}
{{- define "iblai-exporter.keysName" -}}
{{- if .Values.existingSecret }}
{{- .Values.existingSecret }}
{{- else if .Values.apiKeys }}
{{- include "iblai-exporter.fullname" . }}-keys
{{- end }}
{{- end }}

{{/* OpenShift chooses ids itself. Elsewhere a new volume belongs to root, unless fsGroup is set. */}}
{{- define "iblai-exporter.podSecurityContext" -}}
{{- $context := deepCopy .Values.podSecurityContext }}
{{- $openshift := .Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- if and .Values.persistence.enabled (not $openshift) (not (hasKey $context "fsGroup")) }}
{{- $_ := set $context "fsGroup" 10001 }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{/* The endpoint of a ServiceMonitor or PodMonitor. */}}
{{- define "iblai-exporter.endpoint" -}}
port: http-metrics
interval: {{ .interval }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
scheme: {{ .scheme }}
honorLabels: {{ .honorLabels }}
{{- with .tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .endpoint }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* metadata of an object: context, suffix of its name, and the values with its labels. */}}
{{- define "iblai-exporter.metadata" -}}
{{- $root := .root }}
{{- $own := .own | default dict -}}
name: {{ include "iblai-exporter.fullname" $root }}{{ .suffix }}
namespace: {{ $own.namespace | default (include "iblai-exporter.namespace" $root) }}
labels:
  {{- include "iblai-exporter.labels" $root | nindent 2 }}
  {{- with $own.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $own.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "iblai-exporter.volumes" -}}
{{- if not .Values.persistence.enabled }}
- name: state
  emptyDir:
    sizeLimit: {{ .Values.persistence.size }}
{{- end }}
{{- with include "iblai-exporter.configName" . }}
- name: config
  {{- if or $.Values.existingConfigSecret (and $.Values.configInSecret (not $.Values.existingConfigMap)) }}
  secret:
    secretName: {{ . }}
    defaultMode: {{ $.Values.secretMode }}
  {{- else }}
  configMap:
    name: {{ . }}
  {{- end }}
{{- end }}
{{- with include "iblai-exporter.keysName" . }}
- name: keys
  secret:
    secretName: {{ . }}
    defaultMode: {{ $.Values.secretMode }}
{{- end }}
{{- if or .Values.orgsDir.configMaps .Values.orgsDir.secrets }}
- name: orgs
  projected:
    defaultMode: {{ .Values.secretMode }}
    sources:
      {{- range .Values.orgsDir.configMaps }}
      - configMap:
          name: {{ . }}
      {{- end }}
      {{- range .Values.orgsDir.secrets }}
      - secret:
          name: {{ . }}
      {{- end }}
{{- end }}
{{- with .Values.caBundle.existingConfigMap }}
- name: ca-bundle
  configMap:
    name: {{ . }}
{{- end }}
{{- with .Values.web.existingConfigSecret }}
- name: web
  secret:
    secretName: {{ . }}
    defaultMode: {{ $.Values.secretMode }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
