namespace StreamingCnn.Training.Data;

/// <summary>Type of the samples of an image.</summary>
/// <param name="Name">Its usual name, such as <c>uint8</c>, <c>int16</c> or <c>float32</c>.</param>
/// <param name="StoredPerWindow">How many times larger stored samples are than those that the network sees before they are scaled.</param>
public readonly record struct SampleType(string Name, double StoredPerWindow);
