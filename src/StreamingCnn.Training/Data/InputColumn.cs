namespace StreamingCnn.Training.Data;

/// <summary>One of several images that a network sees side by side.</summary>
/// <param name="Name">Column of tables that names its file.</param>
/// <param name="Channels">Its channels, of those that the network sees.</param>
public sealed record InputColumn(string Name, int Channels);
