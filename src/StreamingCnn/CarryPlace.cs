namespace StreamingCnn;

/// <summary>
/// Where the rows and columns that tiles leave for one another wait for their readers, in training and in inference. The result is the
/// same everywhere.
/// </summary>
public enum CarryPlace
{
    /// <summary>On the device that computes.</summary>
    Device,

    /// <summary>
    /// In the host's memory; what a tile needs is copied to the device while the one before it runs. On a processor the same as <see
    /// cref="Device"/>.
    /// </summary>
    Host,

    /// <summary>
    /// In a temporary file; what a tile needs is read while the one before it runs. For images whose carry does not fit into memory.
    /// </summary>
    File,
}
